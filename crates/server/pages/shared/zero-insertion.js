/** The panels of zero insertion: the flipped kernel moves by one cell over an input with zeros between. */

import { cellLabel, shades } from "./cells.js";
import { frameEdges } from "./grid.js";
import { t } from "./language.js";
import { showShort } from "./numbers.js";

/**
 * @typedef {import("./cells.js").Shown} Shown
 * @typedef {import("./cells.js").Panel} Panel
 */

/**
 * The input with zeros between, and the flipped kernel over it for the output that is pointed at.
 * @param {Shown} shown
 * @param {string} after
 * @returns {Panel}
 */
export function stretched({ trace, plane, shade }, after) {
  const title = t("Input with zeros between", "插零后的输入");
  const { size, inputs, corner, span, taps } = trace.stretched;
  const grey = shade ? shades(plane.x) : null;
  return {
    id: "stretched", title, sides: size, after,
    focus: (cell) => {
      const x = inputs[cell];
      return x === null || x === undefined ? null : { grid: "x", cell: x };
    },
    look: (cell, lit) => {
      const x = inputs[cell] ?? null;
      const at = lit.focus.grid === "y" ? corner[lit.focus.cell] : undefined;
      const row = Math.floor(cell / size[1]);
      const [i, j] = at ? [row - at[0], cell - row * size[1] - at[1]] : [-1, -1];
      const over = i >= 0 && j >= 0 && i < span[0] && j < span[1];
      const tap = over ? taps[i * span[1] + j] ?? null : null;
      const isLit = x !== null && lit.x.has(x);
      return {
        text: x === null ? "0" : showShort(plane.x[x] ?? 0),
        paint: isLit ? "input-lit" : x !== null ? "input" : "zero",
        lit: isLit,
        shade: x === null ? null : grey?.(x),
        edges: at ? frameEdges(i, j, span) : "",
        chosen: x !== null && lit.focus.grid === "x" && lit.focus.cell === x,
        mark: tap === null ? undefined : `×${showShort(plane.w[tap] ?? 0)}`,
        label: cellLabel(title, cell, size, trace.rank, x === null ? t("0, put between", "0，插入的零") : plane.x[x] ?? 0, isLit),
      };
    },
  };
}

/**
 * @param {Shown} shown
 * @param {string} after
 * @returns {Panel}
 */
export function flipped({ trace, plane }, after) {
  const title = t("Flipped kernel", "翻转的卷积核");
  const { span, taps } = trace.stretched;
  return {
    id: "flipped", title, sides: span, after,
    focus: (cell) => {
      const tap = taps[cell];
      return tap === null || tap === undefined ? null : { grid: "w", cell: tap };
    },
    look: (cell, lit) => {
      const tap = taps[cell] ?? null;
      const isLit = tap !== null && lit.w.has(tap);
      return {
        text: tap === null ? "0" : showShort(plane.w[tap] ?? 0),
        paint: tap === null ? "zero" : isLit ? "kernel-lit" : "kernel",
        lit: isLit,
        chosen: tap !== null && lit.focus.grid === "w" && lit.focus.cell === tap,
        label: cellLabel(title, cell, span, trace.rank, tap === null ? t("0, between the taps", "0，核元素之间的零") : plane.w[tap] ?? 0, isLit),
      };
    },
  };
}
