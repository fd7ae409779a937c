/** Which cells belong to the cell that is pointed at. All of it is looked up in the trace. */

/**
 * @typedef {import("./types.js").Trace} Trace
 * @typedef {{grid: "x" | "w" | "y", cell: number}} Focus
 */
/**
 * @typedef {object} Lighting
 * @property {Focus} focus
 * @property {Set<number>} x input cells
 * @property {Set<number>} w taps
 * @property {Set<number>} y output cells
 * @property {Set<number>} uncropped cells of the uncropped result
 */

/**
 * @param {string | null | undefined} text y:7
 * @returns {Focus | null}
 */
export function parseFocus(text) {
  const match = /^([xwy]):(\d+)$/.exec(text ?? "");
  return match ? { grid: /** @type {Focus["grid"]} */ (match[1]), cell: Number(match[2]) } : null;
}

/** @param {Focus} focus */
export function focusText(focus) {
  return `${focus.grid}:${focus.cell}`;
}

/**
 * How many cells a grid of the trace has.
 * @param {Trace} trace
 * @param {Focus["grid"]} grid
 */
export function cellCount(trace, grid) {
  return { x: trace.scatter.length, w: trace.phases.taps.length, y: trace.gather.length }[grid];
}

/**
 * The cell that is lit while nothing is pointed at: the output with the most products, or the middle of the input.
 * @param {Trace} trace
 * @param {"x" | "y"} grid
 * @returns {Focus}
 */
export function restingFocus(trace, grid) {
  if (grid === "x") return { grid, cell: Math.floor(cellCount(trace, grid) / 2) };
  return { grid, cell: trace.overlap.indexOf(Math.max(...trace.overlap)) };
}

/**
 * The same focus where the grid has the cell, else its last cell.
 * @param {Trace} trace
 * @param {Focus} focus
 * @returns {Focus}
 */
export function within(trace, focus) {
  return { grid: focus.grid, cell: Math.min(focus.cell, cellCount(trace, focus.grid) - 1) };
}

/**
 * @param {Trace} trace
 * @param {Focus} focus
 * @returns {Lighting}
 */
export function light(trace, focus) {
  /** @type {Lighting} */
  const lit = { focus, x: new Set(), w: new Set(), y: new Set(), uncropped: new Set() };
  if (focus.grid === "x") {
    lit.x.add(focus.cell);
    for (const landing of trace.scatter[focus.cell] ?? []) {
      lit.w.add(landing.tap);
      lit.uncropped.add(landing.uncropped);
      if (landing.output !== null) lit.y.add(landing.output);
    }
    return lit;
  }
  trace.gather.forEach((products, output) => {
    for (const [input, tap] of products) {
      if (focus.grid === "y" ? output !== focus.cell : tap !== focus.cell) continue;
      lit.x.add(input);
      lit.w.add(tap);
      lit.y.add(output);
    }
  });
  // Also a cell that receives nothing, and a tap that serves none.
  lit[focus.grid].add(focus.cell);
  trace.crop.output.forEach((output, place) => {
    const whole = trace.crop.uncropped[place] ?? null;
    if (output !== null && whole !== null && lit.y.has(output)) lit.uncropped.add(whole);
  });
  return lit;
}
