/** Buttons with the values of one word of a setting, and the diagram that follows them. */

import { ApiError } from "../shared/api.js";
import { mountDiagram } from "../shared/diagram.js";
import { button, make } from "../shared/elements.js";
import { language, onLanguage, t } from "../shared/language.js";

/**
 * `<div class="choice" data-words="dialect=..." data-view="scatter" data-word="output" data-values="5 6 7"
 * data-label="Output cells" data-label-zh="输出格数">`; the first value is chosen.
 * @param {HTMLElement} host
 */
export function mountChoice(host) {
  const { words = "", view = "gather", word = "output", values = "", label = "", labelZh = "" } = host.dataset;
  const setting = Object.fromEntries(new URLSearchParams(words));
  const options = values.split(" ");
  let chosen = options[0] ?? "";

  const bar = make("div", { class: "buttons", role: "group" });
  const refused = make("div", { role: "status" });
  const stage = make("div");
  const steps = make("ol", { class: "derivation" });
  const link = make("a", { class: "open" });
  host.replaceChildren(bar, refused, stage, steps, link);
  const diagram = mountDiagram(stage, {
    view: /** @type {import("../shared/cells.js").View} */ (view), largest: 36, live: false,
  });

  const show = async () => {
    bar.setAttribute("aria-label", t(label, labelZh));
    bar.replaceChildren(make("span", {}, t(label, labelZh)), ...options.map((value) =>
      button(value, () => choose(value), { "aria-pressed": String(value === chosen) })));
    const now = { ...setting, [word]: chosen };
    link.textContent = t("Open in the explorer", "在探索器中打开");
    link.href = `/?${new URLSearchParams({ ...now, view, lang: language() })}`;
    try {
      await diagram.update({ words: now });
      refused.replaceChildren();
      steps.replaceChildren(...(diagram.traced()?.explanation.derivation ?? []).map((step) => make("li", {}, step)));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refused.replaceChildren(make("p", { class: "error" }, error.message));
    }
    // The last picture stays, so that the message can be read beside it.
    stage.classList.toggle("stale", refused.hasChildNodes());
    steps.hidden = refused.hasChildNodes();
  };
  /** @param {string} value */
  const choose = async (value) => {
    chosen = value;
    await show();
    const pressed = bar.querySelector('[aria-pressed="true"]');
    if (pressed instanceof HTMLElement) pressed.focus();
  };
  onLanguage(show);
  void show();
}
