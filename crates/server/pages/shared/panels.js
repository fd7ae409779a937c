/**
 * What stands side by side in each view: grids, their titles, and how every cell of them looks.
 *
 * Nothing is computed here: connections, sums and counts are those of the trace.
 */

import { cellLabel, input, kernel, output, shades } from "./cells.js";
import { frameEdges } from "./grid.js";
import { t } from "./language.js";
import { matrices } from "./matrix.js";
import { showShort } from "./numbers.js";
import { phasedKernel, phasedOutput } from "./phases.js";
import { flipped, stretched } from "./zero-insertion.js";

/**
 * @typedef {import("./types.js").Trace} Trace
 * @typedef {import("./types.js").Sides} Sides
 * @typedef {import("./cells.js").Shown} Shown
 * @typedef {import("./cells.js").Panel} Panel
 * @typedef {import("./cells.js").View} View
 */

/** @type {View[]} */
export const VIEWS = ["gather", "scatter", "zero-insertion", "crop", "overlap", "phases", "matrix", "forward"];

/** Steps of heat, as many as in style.css. */
const HEATS = 8;

/**
 * Pale where all counts are the same; else the darker the larger.
 * @param {number} count
 * @param {readonly number[]} counts
 */
function heat(count, counts) {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (least === most) return `heat-${Math.min(most, 2)}`;
  return `heat-${Math.round(((HEATS - 1) * count) / most)}`;
}

/**
 * @param {View} view
 * @param {Shown} shown
 * @returns {Panel[]}
 */
export function panelsOf(view, shown) {
  const { trace } = shown;
  switch (view) {
    case "gather":
      return [input(shown, "∗"), kernel(shown, "="), output(shown)];
    case "scatter":
      return trace.rank === 1
        ? [input(shown, "∗"), { ...kernel(shown), ends: true }, { ...laid(shown), ends: true }, whole(shown, "")]
        : [input(shown, "∗"), kernel(shown, "="), whole(shown, "")];
    case "zero-insertion":
      return [stretched(shown, "∗"), flipped(shown, "="), output(shown)];
    case "crop":
      return [whole(shown, "→"), output(shown)];
    case "overlap":
      return [overlap(trace, ""), output(shown), kernel(shown, "")];
    case "phases":
      return [phasedKernel(shown, ""), phasedOutput(shown)];
    case "matrix":
      return matrices(shown);
    case "forward":
      return [
        input(shown, "∗"), kernel(shown, "="), { ...output(shown), ends: true },
        { ...output(shown), id: "y again", title: t("Back again: y", "再回去：y"), after: "∗" },
        { ...kernel(shown, "="), id: "w again" }, back(shown),
      ];
  }
}

/**
 * One axis: a row for each input, with the taps where it puts them down.
 * @param {Shown} shown
 * @returns {Panel}
 */
function laid({ trace }) {
  const title = t("Where each input puts the kernel", "每个输入把卷积核放在哪里");
  const sides = /** @type {Sides} */ ([trace.input[1], trace.uncropped[1]]);
  const taps = trace.scatter.map((landings) => new Map(landings.map(({ tap, uncropped }) => [uncropped, tap])));
  return {
    id: "laid", title, sides,
    focus: (cell) => ({ grid: "x", cell: Math.floor(cell / sides[1]) }),
    look: (cell, lit) => {
      const x = Math.floor(cell / sides[1]);
      const tap = taps[x]?.get(cell - x * sides[1]);
      const isLit = tap !== undefined && lit.x.has(x) && lit.w.has(tap) && lit.uncropped.has(cell - x * sides[1]);
      return {
        text: tap === undefined ? "" : `w${tap}`,
        paint: tap === undefined ? "zero" : isLit ? "kernel-lit" : "kernel",
        lit: isLit,
        label: cellLabel(title, cell, sides, 2, tap === undefined ? t("nothing", "无") : `w${tap}`, isLit),
      };
    },
  };
}

/**
 * The uncropped result with the window that is kept; where the window reaches beyond it, zeros.
 * @param {Shown} shown
 * @param {string} after
 * @returns {Panel}
 */
function whole({ trace, plane, shade }, after) {
  const title = t("Uncropped; framed: the output y", "未裁剪的结果；框内为输出 y");
  const sides = trace.crop.size;
  /** @param {number} cell */
  const place = (cell) => {
    const output = trace.crop.output[cell] ?? null;
    const row = Math.floor((output ?? 0) / trace.output[1]);
    const edges = output === null ? "" : frameEdges(row, output - row * trace.output[1], trace.output);
    return { flat: trace.crop.uncropped[cell] ?? null, output, edges };
  };
  const grey = shade ? shades(plane.uncropped) : null;
  return {
    id: "uncropped", title, sides, after,
    focus: (cell) => {
      const { output: at } = place(cell);
      return at === null ? null : { grid: "y", cell: at };
    },
    look: (cell, lit) => {
      const { flat, output: at, edges } = place(cell);
      // Beyond the result along one axis, and beyond the window along the other.
      if (flat === null && at === null) return { text: "", paint: "paper", lit: false, label: t("nothing", "无") };
      const value = flat === null ? 0 : plane.uncropped[flat] ?? 0;
      const isLit = flat !== null && lit.uncropped.has(flat);
      const state = at === null ? t("cropped", "被裁掉") : flat === null ? t("a zero behind the result", "结果之外的零") : t("kept", "保留");
      return {
        text: showShort(value),
        paint: at === null ? (isLit ? "cropped-lit" : "cropped") : flat === null ? "zero" : isLit ? "output-lit" : "output",
        lit: isLit,
        edges,
        chosen: lit.focus.grid === "y" && at === lit.focus.cell,
        mark: at === null ? "×" : undefined,
        shade: flat === null ? null : grey?.(flat),
        label: `${cellLabel(title, cell, sides, trace.rank, value, isLit)}${t(", ", "，")}${state}`,
      };
    },
  };
}

/**
 * How many products every output receives.
 * @param {Trace} trace
 * @param {string} after
 * @returns {Panel}
 */
function overlap(trace, after) {
  const title = t("Overlap: products per output", "重叠：每个输出的乘积个数");
  return {
    id: "overlap", title, sides: trace.output, after,
    focus: (cell) => ({ grid: "y", cell }),
    look: (cell, lit) => {
      const count = trace.overlap[cell] ?? 0;
      const isLit = lit.y.has(cell);
      return {
        text: String(count),
        paint: heat(count, trace.overlap),
        lit: isLit,
        chosen: lit.focus.grid === "y" && lit.focus.cell === cell,
        label: cellLabel(title, cell, trace.output, trace.rank, t(`${count} products`, `${count} 个乘积`), isLit),
      };
    },
  };
}

/**
 * The forward convolution of the output: the size of the input, not its values.
 * @param {Shown} shown
 * @returns {Panel}
 */
function back(shown) {
  const { trace, plane } = shown;
  const base = input(shown);
  const title = t("Forward convolution of y", "y 的前向卷积");
  const grey = shown.shade ? shades(plane.back) : null;
  return {
    ...base, id: "back", title, edits: undefined,
    look: (cell, lit) => {
      const isLit = lit.x.has(cell);
      return {
        text: showShort(plane.back[cell] ?? 0),
        paint: isLit ? "input-lit" : "input",
        lit: isLit,
        chosen: lit.focus.grid === "x" && lit.focus.cell === cell,
        label: cellLabel(title, cell, trace.input, trace.rank, plane.back[cell] ?? 0, isLit),
        shade: grey?.(cell),
      };
    },
  };
}

/**
 * Along which cells a view is played.
 * @param {View} view
 * @returns {"x" | "y"}
 */
export function playedGrid(view) {
  return view === "scatter" || view === "forward" ? "x" : "y";
}
