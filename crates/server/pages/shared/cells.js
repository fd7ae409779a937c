/** The grids of x, w and y, of which every view is made, and what a screen reader says of a cell. */

import { t } from "./language.js";
import { showNumber, showPlace, showShort } from "./numbers.js";

/**
 * @typedef {import("./types.js").Trace} Trace
 * @typedef {import("./types.js").Plane} Plane
 * @typedef {import("./types.js").Sides} Sides
 * @typedef {import("./grid.js").CellLook} CellLook
 * @typedef {import("./lighting.js").Focus} Focus
 * @typedef {import("./lighting.js").Lighting} Lighting
 * @typedef {"scatter" | "gather" | "zero-insertion" | "matrix" | "phases" | "overlap" | "crop" | "forward"} View
 */
/**
 * @typedef {object} Panel
 * @property {string} id the same for the same grid of another moment
 * @property {string} title
 * @property {Sides} sides
 * @property {(cell: number, lit: Lighting) => CellLook} look
 * @property {(cell: number) => Focus | null} focus what pointing at a cell means
 * @property {"x" | "w"} [edits] whose numbers are edited here
 * @property {string} [after] a sign between this panel and the next
 * @property {boolean} [ends] the next panel begins a new line
 * @property {number} [largest] pixels that a cell has at most
 */
/** @typedef {{trace: Trace, plane: Plane, shade: boolean}} Shown */

/**
 * A grid of numbers of one of x, w, y.
 * @param {"x" | "w" | "y"} grid
 * @param {Shown} shown
 * @param {string} title
 * @param {string} [after]
 * @returns {Panel}
 */
function numbers(grid, { trace, plane, shade }, title, after) {
  const sides = { x: trace.input, w: trace.kernel, y: trace.output }[grid];
  const paint = { x: "input", w: "kernel", y: "output" }[grid];
  const values = plane[grid];
  const grey = shade && grid !== "w" ? shades(values) : null;
  return {
    id: grid, title, sides, after,
    edits: grid === "y" ? undefined : grid,
    focus: (cell) => ({ grid, cell }),
    look: (cell, lit) => {
      const isLit = lit[grid].has(cell);
      return {
        text: showShort(values[cell] ?? 0),
        paint: isLit ? `${paint}-lit` : paint,
        lit: isLit,
        chosen: lit.focus.grid === grid && lit.focus.cell === cell,
        label: cellLabel(title, cell, sides, trace.rank, values[cell] ?? 0, isLit),
        shade: grey?.(cell),
      };
    },
  };
}

/**
 * Every cell between the least and the largest of its grid, as a brightness.
 * @param {readonly number[]} values
 * @returns {(cell: number) => number}
 */
export function shades(values) {
  const least = Math.min(...values);
  const span = Math.max(...values) - least;
  return (cell) => (span === 0 ? 0.5 : ((values[cell] ?? 0) - least) / span);
}

/**
 * @param {string} title
 * @param {number} cell
 * @param {Sides} sides
 * @param {1 | 2} rank
 * @param {number | string} value
 * @param {boolean} lit
 */
export function cellLabel(title, cell, sides, rank, value, lit) {
  const row = Math.floor(cell / sides[1]);
  const column = cell - row * sides[1];
  const what = typeof value === "number" ? valueWords(value) : value;
  const en = rank === 1 ? `cell ${column}` : `row ${row} column ${column}`;
  const zh = rank === 1 ? `第 ${column} 格` : `第 ${row} 行第 ${column} 列`;
  return `${title} ${t(en, zh)}${t(", ", "，")}${what}${lit ? t(", lit", "，亮起") : ""}`;
}

/** What stands in the cell, and the whole number where that is shortened. @param {number} value */
function valueWords(value) {
  const [short, whole] = [showShort(value), showNumber(value)];
  return t(`value ${short}`, `值 ${short}`) + (short === whole ? "" : t(`, exactly ${whole}`, `，即 ${whole}`));
}

/** @param {Shown} shown @param {string} [after] */
export const input = (shown, after) => numbers("x", shown, t("Input x", "输入 x"), after);
/** @param {Shown} shown @param {string} [after] */
export const kernel = (shown, after) => numbers("w", shown, t("Kernel w", "卷积核 w"), after);
/** @param {Shown} shown */
export const output = (shown) => numbers("y", shown, t("Output y", "输出 y"));

/** @param {number} cell @param {Sides} sides @param {1 | 2} rank */
export const placeOf = (cell, sides, rank) => showPlace(cell, sides[1], rank);
