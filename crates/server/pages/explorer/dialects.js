/** The same words put to every dialect, with what differs in colour, and the trap said where there is one. */

import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { showSize } from "../shared/numbers.js";
import { dialectLabel } from "./fields.js";

/** @typedef {import("../shared/types.js").DialectRow} DialectRow */

/**
 * @param {HTMLElement} host
 * @param {DialectRow[]} rows
 * @param {string} current
 * @param {(dialect: string) => void} onPick
 */
export function showDialects(host, rows, current, onPick) {
  const head = [t("Dialect", "框架"), t("Output", "输出"), t("Window begins", "窗口起点"), t("Cropped behind", "末尾裁掉")];
  const focused = host.contains(document.activeElement) ? document.activeElement?.textContent : null;
  const body = rows.map((row) => make("tr", { "aria-current": row.dialect === current ? "true" : null },
    make("th", { scope: "row" }, button(dialectLabel(row.dialect), () => onPick(row.dialect), { class: "quiet" })),
    ...cells(row)));
  host.replaceChildren(
    make("div", { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": "dialects-title" },
      make("table", {}, make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, ...body))),
    ...remarks(rows).map((text) => make("p", { class: "warning" }, text)),
    make("p", { class: "note" }, t(
      "≠ differs from the most common result. Press a name to see its picture.",
      "≠ 表示与最常见的结果不同。按名称查看它的图。")));
  for (const again of host.querySelectorAll("button")) if (again.textContent === focused) again.focus();
}

/** @param {DialectRow} row */
function cells(row) {
  const { output, window_begin, pad_after, error, differs } = row;
  if (error) return [make("td", { colspan: "3", class: "differs" }, make("strong", {}, t("≠ refused: ", "≠ 拒绝：")), error.message)];
  /** @param {string} text @param {boolean} other */
  const cell = (text, other) => make("td", { class: other ? "differs" : null }, other ? make("strong", {}, `≠ ${text}`) : text);
  return [
    cell(showSize(output ?? []) + (row.unchecked ? " *" : ""), differs.includes("output")),
    cell((window_begin ?? []).join(", "), differs.includes("window_begin")),
    cell((pad_after ?? []).join(", "), false),
  ];
}

/**
 * What one should not miss in this table.
 * @param {DialectRow[]} rows
 */
function remarks(rows) {
  const told = [];
  if (rows.some(({ differs }) => differs.includes("window_begin") && !differs.includes("output"))) {
    told.push(t(
      "The trap: some dialects give the same size, but keep another window of the result. Weights that are carried over then give values that are shifted by a cell, and no error tells you.",
      "陷阱：有的框架尺寸相同，保留的窗口却不同。直接搬用权重，数值会错开一格，而且没有任何报错。"));
  }
  if (rows.some(({ differs }) => differs.includes("output"))) {
    told.push(t("The same words give another size in some dialects: name the output size where you carry a layer over.", "同样的写法在有的框架得到不同的尺寸：搬用一层时请写明输出尺寸。"));
  }
  if (rows.some(({ unchecked }) => unchecked)) {
    told.push(t("* TensorFlow Lite never checks the output size: TensorFlow refuses this one.", "* TensorFlow Lite 从不检查输出尺寸：这个尺寸会被 TensorFlow 拒绝。"));
  }
  return told;
}
