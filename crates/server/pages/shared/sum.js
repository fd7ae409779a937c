/** The line under a diagram: what the cell that is pointed at is made of, or where it goes. */

import { placeOf } from "./cells.js";
import { make } from "./elements.js";
import { t } from "./language.js";
import { showNumber } from "./numbers.js";
import { phaseLetter } from "./phases.js";

/**
 * @typedef {import("./types.js").Trace} Trace
 * @typedef {import("./types.js").Plane} Plane
 * @typedef {import("./lighting.js").Focus} Focus
 */

/** Products that are written out; the sum is that of all. */
const MOST_WRITTEN = 16;

/**
 * @param {Trace} trace
 * @param {Plane} plane
 * @param {Focus} focus
 * @param {boolean} [forward] whether the forward convolution is shown beside
 * @returns {Node[]}
 */
export function sumLine(trace, plane, focus, forward = false) {
  switch (focus.grid) {
    case "y": return gathered(trace, plane, focus.cell);
    case "x": return [...scattered(trace, plane, focus.cell), ...(forward ? gatheredBack(plane, focus.cell) : [])];
    case "w": return served(trace, plane, focus.cell);
  }
}

/** @param {Trace} trace @param {"x" | "w" | "y"} grid @param {number} cell */
function name(trace, grid, cell) {
  const sides = { x: trace.input, w: trace.kernel, y: trace.output }[grid];
  return `${grid}[${placeOf(cell, sides, trace.rank)}]`;
}

/** @param {string} paint @param {number} value @param {string} title */
function chip(paint, value, title) {
  return make("span", { class: "chip", "data-paint": paint, title }, showNumber(value), make("small", {}, title));
}

/** @param {string} text */
const sign = (text) => make("span", { class: "sign" }, text);

/** @param {number} all */
function more(all) {
  return all > MOST_WRITTEN ? [sign(t(`+ … (${all - MOST_WRITTEN} more)`, `+ …（还有 ${all - MOST_WRITTEN} 个）`))] : [];
}

/** @param {Trace} trace @param {Plane} plane @param {number} cell */
function gathered(trace, plane, cell) {
  const pairs = trace.gather[cell] ?? [];
  const sum = chip("output-lit", plane.y[cell] ?? 0, name(trace, "y", cell));
  if (pairs.length === 0) {
    return [sum, sign(t("no input reaches this cell: it holds only the bias, here 0", "没有输入到达这一格：它只有偏置，这里是 0"))];
  }
  const parts = pairs.slice(0, MOST_WRITTEN).flatMap(([x, w], at) => {
    return [
      ...(at === 0 ? [] : [sign("+")]),
      make("span", { class: "product" }, chip("input-lit", plane.x[x] ?? 0, name(trace, "x", x)), sign("×"),
        chip("kernel-lit", plane.w[w] ?? 0, name(trace, "w", w))),
    ];
  });
  const products = (plane.products[cell] ?? []).slice(0, MOST_WRITTEN).map((product) => (product < 0 ? `(${showNumber(product)})` : showNumber(product)));
  const added = pairs.length > 1 ? [sign(`= ${products.join(" + ")}`), ...more(pairs.length)] : [];
  return [sum, sign("="), ...parts, ...more(pairs.length), ...added];
}

/** @param {Trace} trace @param {Plane} plane @param {number} cell */
function scattered(trace, plane, cell) {
  const landings = trace.scatter[cell] ?? [];
  const cropped = landings.filter((landing) => landing.output === null).length;
  const many = landings.length;
  const words = t(
    `is multiplied by every tap of the kernel and put down on ${many} cells${cropped ? `, of which ${cropped} are cropped` : ""}:`,
    `乘以卷积核的每个元素，放到 ${many} 格上${cropped ? `，其中 ${cropped} 格被裁掉` : ""}：`,
  );
  const kept = landings.filter((landing) => landing.output !== null);
  const parts = kept.slice(0, MOST_WRITTEN).map(({ tap, output }) => {
    const place = output ?? 0;
    const at = (trace.gather[place] ?? []).findIndex(([x, w]) => x === cell && w === tap);
    return make("span", { class: "product" }, sign("×"), chip("kernel-lit", plane.w[tap] ?? 0, name(trace, "w", tap)),
      sign(`= ${showNumber(plane.products[place]?.[at] ?? 0)} →`), make("span", { class: "target" }, name(trace, "y", place)));
  });
  const rest = kept.length > MOST_WRITTEN ? [sign("…")] : [];
  return [chip("input-lit", plane.x[cell] ?? 0, name(trace, "x", cell)), sign(words), ...parts, ...rest];
}

/** @param {Plane} plane @param {number} cell */
function gatheredBack(plane, cell) {
  const [before, after] = [plane.x[cell] ?? 0, plane.back[cell] ?? 0];
  const words = t("The forward convolution gathers the same cells again:", "前向卷积又从同样的格汇集：");
  return [sign(words), sign(`${showNumber(before)} → ${showNumber(after)}`)];
}

/** @param {Trace} trace @param {Plane} plane @param {number} cell */
function served(trace, plane, cell) {
  const outputs = trace.gather.filter((pairs) => pairs.some(([, tap]) => tap === cell)).length;
  const phase = trace.phases.taps[cell] ?? null;
  const of = phase === null ? "" : t(`, all of phase ${phaseLetter(phase)}`, `，都属于相位 ${phaseLetter(phase)}`);
  const words = t(`takes part in ${outputs} output cells${of}`, `参与 ${outputs} 个输出格${of}`);
  return [chip("kernel-lit", plane.w[cell] ?? 0, name(trace, "w", cell)), sign(words)];
}
