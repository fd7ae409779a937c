/** Paths of lines, bands and markers. */

/**
 * @typedef {import("./curves.js").Point} Point
 * @typedef {import("./scale.js").Scale} Scale
 */

/** A tenth of a pixel is enough. @param {number} value */
const short = (value) => Math.round(value * 10) / 10;

/**
 * Whether a value has a place on the axis.
 * @param {Scale} y
 * @param {number} value
 */
const fits = (y, value) => !y.log || value > 0;

/**
 * The points between these steps, and one more at each side, so that a line goes on to the border.
 * @param {Point[]} points
 * @param {[number, number]} steps
 */
export function around(points, [from, to]) {
  const first = points.findIndex(([step]) => step >= from);
  const last = points.findLastIndex(([step]) => step <= to);
  if (first < 0 || last < 0) return [];
  return points.slice(Math.max(0, first - 1), last + 2);
}

/**
 * A line; it breaks where a value has no place on the axis.
 * @param {Point[]} points
 * @param {Scale} x
 * @param {Scale} y
 */
export function linePath(points, x, y) {
  let [path, pen, alone] = ["", false, false];
  for (const [step, mean] of points) {
    if (!fits(y, mean)) {
      // A point by itself is a dot of the line's width.
      if (alone) path += "h.01";
      [pen, alone] = [false, false];
      continue;
    }
    path += `${pen ? "L" : "M"}${short(x.at(step))} ${short(y.at(mean))}`;
    [pen, alone] = [true, !pen];
  }
  return alone ? `${path}h.01` : path;
}

/**
 * From the lowest to the highest of the steps that each point stands for; empty where points stand for one step.
 * @param {Point[]} points
 * @param {Scale} x
 * @param {Scale} y
 */
export function bandPath(points, x, y) {
  const wide = points.filter(([, , low, high]) => fits(y, high) && fits(y, low));
  if (!wide.some(([, , low, high]) => low < high)) return "";
  const upper = wide.map(([step, , , high]) => `${short(x.at(step))} ${short(y.at(high))}`);
  const lower = wide.map(([step, , low]) => `${short(x.at(step))} ${short(y.at(low))}`).reverse();
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}

/**
 * @param {Point[]} points
 * @param {Scale} x
 * @param {Scale} y
 * @param {(x: number, y: number) => string} marker
 */
export function markerPath(points, x, y, marker) {
  return points.filter(([, mean]) => fits(y, mean)).map(([step, mean]) => marker(short(x.at(step)), short(y.at(mean)))).join("");
}
