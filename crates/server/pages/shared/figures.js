/**
 * Live figures in a text: `<div class="figure" data-words="dialect=definition&input=2x2&kernel=3x3&x=count"
 * data-view="gather" data-cell="y:3"></div>`. Each gets its diagram and a link to the explorer.
 */

import { ApiError } from "./api.js";
import { mountDiagram } from "./diagram.js";
import { make } from "./elements.js";
import { language, onLanguage, t } from "./language.js";

/** Smaller than in the explorer. */
const LARGEST = 36;

/** @param {ParentNode} [root] */
export function activateFigures(root = document) {
  for (const figure of root.querySelectorAll(".figure[data-words]")) {
    if (figure instanceof HTMLElement) activate(figure);
  }
}

/** @param {HTMLElement} figure */
function activate(figure) {
  const { words = "", view = "gather", cell } = figure.dataset;
  const setting = Object.fromEntries(new URLSearchParams(words));
  const host = make("div");
  const link = make("a", { class: "open" });
  figure.replaceChildren(host, link);
  const diagram = mountDiagram(host, {
    view: /** @type {import("./cells.js").View} */ (view), cell, largest: LARGEST, live: false,
  });
  const show = async () => {
    link.textContent = t("Open in the explorer", "在探索器中打开");
    link.setAttribute("href", `/?${new URLSearchParams({ ...setting, view, ...(cell ? { cell } : {}), lang: language() })}`);
    try {
      await diagram.update({ words: { ...setting } });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      host.replaceChildren(make("p", { class: "error" }, error.message));
    }
  };
  onLanguage(show);
  void show();
}
