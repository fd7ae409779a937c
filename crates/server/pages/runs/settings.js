/** The settings of the chosen runs beside each other: what they differ in, or all. */

import { make } from "../shared/elements.js";
import { language, t } from "../shared/language.js";
import { swatch } from "./looks.js";
import { showSetting, write } from "./words.js";

/**
 * @typedef {import("../shared/types.js").Setting} Setting
 * @typedef {{name: string, place: number, model: string | null, settings: Record<string, Setting>}} SettingsOfRun
 */

/**
 * @param {HTMLElement} part the whole section, which is hidden where there are no settings
 * @param {HTMLElement} host
 */
export function mountSettings(part, host) {
  /** @type {SettingsOfRun[]} */
  let runs = [];
  let drawn = "";
  /** @type {Record<string, Setting>[]} */
  let before = [];
  const all = make("input", { type: "checkbox" });
  const allWords = make("span");
  const allBox = make("label", {}, all, allWords);
  const filter = make("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  const told = make("p", { class: "note", role: "status" });
  const table = make("div", { class: "scroll", tabindex: "0", role: "group" });
  host.replaceChildren(make("div", { class: "settings-bar" }, allBox, filter), told, table);
  all.addEventListener("change", () => draw());
  filter.addEventListener("input", () => draw());

  const draw = () => {
    write(allWords, t(" also those that are the same", " 也显示相同的设置"));
    filter.placeholder = t("Filter the settings", "筛选设置");
    filter.setAttribute("aria-label", t("Filter the settings by name or value", "按名称或值筛选设置"));
    table.setAttribute("aria-label", t("Settings of the chosen runs", "所选记录的设置"));
    // One run has nothing to differ from.
    allBox.hidden = runs.length < 2;
    const rows = rowsOf(runs);
    const differing = rows.filter(({ differs }) => differs).length;
    const word = filter.value.trim().toLowerCase();
    const shown = rows.filter(({ key, differs, texts }) => (runs.length < 2 || all.checked || differs)
      && (word === "" || [key, ...texts].some((text) => text.toLowerCase().includes(word))));
    write(told, runs.length < 2 ? t("One run: choose another to see what they differ in.", "只选了一个记录：再选一个，就能看出差别。")
      : differing === 0 ? t(`All ${rows.length} settings are the same.`, `${rows.length} 项设置全部相同。`)
        : t(`${differing} of ${rows.length} settings differ.`, `${rows.length} 项设置中有 ${differing} 项不同。`));
    table.replaceChildren(...(shown.length ? [tableOf(shown)] : word ? [make("p", { class: "note" }, t("No setting fits the filter.", "没有符合筛选的设置。"))] : []));
  };

  /** @param {ReturnType<typeof rowsOf>} rows */
  const tableOf = (rows) => make("table", { class: "settings" },
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, t("setting", "设置")),
      ...runs.map(({ name, place }) => make("th", { scope: "col" }, swatch(place), make("span", { class: "name" }, name))))),
    make("tbody", {}, ...rows.map(({ key, differs, texts }) => make("tr", { "data-key": key },
      make("th", { scope: "row" }, make("code", {}, key)),
      ...texts.map((text, at) => cellOf(text, differs && at > 0 && text !== texts[0]))))));

  return {
    /** @param {SettingsOfRun[]} next the chosen runs */
    show(next) {
      part.hidden = next.length === 0;
      const wanted = JSON.stringify([language(), next.map(({ name, place }) => [name, place])]);
      const settings = next.map((run) => run.settings);
      if (wanted === drawn && settings.every((one, at) => one === before[at])) return;
      [drawn, before, runs] = [wanted, settings, next];
      draw();
    },
  };
}

/** @param {string} text @param {boolean} differs from the first run */
function cellOf(text, differs) {
  if (!differs) return make("td", {}, text);
  return make("td", { class: "differs" }, make("span", { "aria-hidden": "true" }, "≠ "), make("strong", {}, text),
    make("span", { class: "visually-hidden" }, t(", differs", "，不同")));
}

/** All settings that any run has, by name; the model comes first. @param {SettingsOfRun[]} runs */
function rowsOf(runs) {
  const flat = runs.map(({ model, settings }) => /** @type {Record<string, Setting>} */ ({ model, ...settings }));
  const keys = [...new Set(flat.flatMap((one) => Object.keys(one)))];
  const sorted = ["model", ...keys.filter((key) => key !== "model").sort()];
  return sorted.map((key) => {
    const texts = flat.map((one) => showSetting(one[key]));
    // By value, not by what is shown: "1" is not 1.
    return { key, texts, differs: new Set(flat.map((one) => JSON.stringify(one[key]))).size > 1 };
  });
}
