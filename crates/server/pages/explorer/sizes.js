/** The size that comes out, and all sizes that could: each a button. */

import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { showSize } from "../shared/numbers.js";
import { dialectLabel } from "./fields.js";

/** @typedef {import("../shared/types.js").Explanation} Explanation */

/** Sizes of all axes together that are offered one by one; of more, the first ones. */
const MOST_SIZES = 12;

/**
 * @param {HTMLElement} host
 * @param {(output: string) => void} onSize
 */
export function mountSizes(host, onSize) {
  const heading = make("h2", { id: "headline" }, t("Result", "结果"));
  const sizes = make("div", { class: "buttons" });
  host.className = "headline";
  host.replaceChildren(heading, sizes);
  return {
    /** @param {Explanation} explanation */
    show({ dialect, axes, output }) {
      const now = showSize(output);
      heading.textContent = t(
        `${dialectLabel(dialect)}: ${showSize(axes.map((axis) => axis.input))} → ${now}`,
        `${dialectLabel(dialect)}：${showSize(axes.map((axis) => axis.input))} → ${now}`);
      const legal = combinations(axes.map((axis) => axis.legal_outputs ?? []));
      const focused = sizes.contains(document.activeElement) ? document.activeElement?.textContent : null;
      sizes.replaceChildren(...(legal.length > 0 ? [make("span", { class: "note" }, t("legal sizes:", "合法尺寸："))] : []),
        ...legal.slice(0, MOST_SIZES).map((size) => button(showSize(size), () => onSize(showSize(size)), { "aria-pressed": String(showSize(size) === now) })),
        ...(legal.length > MOST_SIZES ? [make("span", { class: "note" }, `… (${legal.length})`)] : []));
      for (const pressed of sizes.querySelectorAll("button")) if (pressed.textContent === focused) pressed.focus();
    },
  };
}

/**
 * What one should not miss about the setting.
 * @param {HTMLElement} host
 * @param {Explanation} explanation
 */
export function showWarnings(host, { warnings }) {
  host.replaceChildren(...warnings.map((warning) => make("p", { class: "warning" }, make("strong", {}, t("Watch out: ", "注意：")), warning)));
}

/**
 * Every choice of one size for each axis.
 * @param {number[][]} lists
 * @returns {number[][]}
 */
function combinations(lists) {
  return lists.reduce((all, list) => all.flatMap((begun) => list.map((size) => [...begun, size])), /** @type {number[][]} */ ([[]]));
}
