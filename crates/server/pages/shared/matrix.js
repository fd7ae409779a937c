/** The panels of the matrix C of the forward convolution and of its transpose. */

import { cellLabel, input, output } from "./cells.js";
import { t } from "./language.js";
import { showShort } from "./numbers.js";

/**
 * @typedef {import("./cells.js").Shown} Shown
 * @typedef {import("./cells.js").Panel} Panel
 * @typedef {import("./types.js").Sides} Sides
 */

/**
 * y = transpose(C) x, and C itself; nothing where it is too large to be listed.
 * @param {Shown} shown
 * @returns {Panel[]}
 */
export function matrices(shown) {
  const { trace, plane } = shown;
  const { rows, columns, taps } = trace.matrix;
  if (!taps) return [];
  /**
   * @param {string} title
   * @param {Sides} sides
   * @param {(cell: number) => {x: number, y: number}} place
   * @returns {Panel}
   */
  const matrix = (title, sides, place) => ({
    id: title, title, sides, largest: 24,
    focus: (cell) => {
      const tap = taps[place(cell).x]?.[place(cell).y] ?? null;
      return tap === null ? { grid: "y", cell: place(cell).y } : { grid: "w", cell: tap };
    },
    look: (cell, lit) => {
      const { x, y } = place(cell);
      const tap = taps[x]?.[y] ?? null;
      const { focus } = lit;
      const inLine = focus.grid === "w" ? focus.cell === tap : focus.grid === "x" ? focus.cell === x : focus.cell === y;
      const value = tap === null ? t("zero", "零") : plane.w[tap] ?? 0;
      return {
        text: tap === null ? "·" : showShort(plane.w[tap] ?? 0),
        paint: tap === null ? (inLine ? "cropped" : "zero") : inLine ? "kernel-lit" : "kernel",
        lit: inLine && tap !== null,
        label: cellLabel(title, cell, sides, 2, value, inLine && tap !== null),
      };
    },
  });
  /** @param {Panel} panel @returns {Panel} */
  const upright = (panel) => ({ ...panel, sides: [panel.sides[0] * panel.sides[1], 1], largest: 24 });
  const split = (/** @type {number} */ cell, /** @type {number} */ width) => [Math.floor(cell / width), cell % width];
  const transposed = matrix(t("transpose(C): a row for each output", "C 的转置：每个输出一行"), [columns, rows], (cell) => {
    const [y = 0, x = 0] = split(cell, rows);
    return { x, y };
  });
  const plain = matrix(t("C, the forward convolution: a row for each input", "C，前向卷积：每个输入一行"), [rows, columns], (cell) => {
    const [x = 0, y = 0] = split(cell, columns);
    return { x, y };
  });
  return [
    { ...upright(output(shown)), after: "=" }, { ...transposed, after: "·" },
    { ...upright(input(shown)), ends: true }, plain,
  ];
}
