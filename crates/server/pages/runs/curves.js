/** The curves of the chosen runs, sorted into charts: one for each metric. */

/**
 * @typedef {import("../shared/types.js").Curve} Curve
 * @typedef {[step: number, mean: number, low: number, high: number]} Point
 */
/**
 * @typedef {object} Series a curve that is drawn
 * @property {string} run
 * @property {number} place of the run, which gives it its colour
 * @property {"train" | "evaluate"} kind
 * @property {Point[]} points in the order of the steps
 */
/** @typedef {{metric: string, series: Series[]}} Chart */

/** What was made of a curve, as long as the curve is the same. @type {WeakMap<Curve, Point[]>} */
const kept = new WeakMap();

/** Numbers that are none, as of a training that broke, are no points. @param {Curve} curve */
function pointsOf(curve) {
  let points = kept.get(curve);
  if (!points) {
    points = [];
    for (const [step, mean, low, high] of curve.points) {
      if (mean !== null && Number.isFinite(mean)) points.push([step, mean, low ?? mean, high ?? mean]);
    }
    kept.set(curve, points);
  }
  return points;
}

/**
 * In the order in which the metrics are first met, of a run the training's before the evaluation's.
 * @param {{name: string, place: number, curves: Curve[]}[]} runs
 * @returns {Chart[]}
 */
export function chartsOf(runs) {
  /** @type {Map<string, Series[]>} */
  const charts = new Map();
  for (const kind of /** @type {const} */ (["train", "evaluate"])) {
    for (const { name, place, curves } of runs) {
      for (const curve of curves) {
        if (curve.kind !== kind) continue;
        const points = pointsOf(curve);
        if (points.length === 0) continue;
        const series = charts.get(curve.name) ?? [];
        charts.set(curve.name, series);
        series.push({ run: name, place, kind, points });
      }
    }
  }
  return [...charts].map(([metric, series]) => ({ metric, series }));
}

/**
 * The first and the last step of all charts, so that they lie below each other.
 * @param {Chart[]} charts
 * @returns {[number, number] | null}
 */
export function stepsSpanned(charts) {
  const ends = charts.flatMap(({ series }) => series.flatMap(({ points }) => [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0]));
  return ends.length ? [Math.min(...ends), Math.max(...ends)] : null;
}

/** All steps that have a point. @param {Series[]} series */
export function stepsOf(series) {
  return [...new Set(series.flatMap(({ points }) => points.map(([step]) => step)))].sort((a, b) => a - b);
}

/**
 * Where in a sorted list the last step is that is not after this one; -1 where all are after it.
 * @template T
 * @param {readonly T[]} list
 * @param {number} step
 * @param {(item: T) => number} stepOf
 */
export function lastUpTo(list, step, stepOf) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (stepOf(/** @type {T} */ (list[middle])) <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The point of a curve at a step, or the last one before it. @param {Point[]} points @param {number} step */
export function pointAt(points, step) {
  return points[lastUpTo(points, step, ([at]) => at)] ?? null;
}

/** @type {WeakMap<Point[], {smoothing: number, points: Point[]}>} */
const smooth = new WeakMap();

/**
 * The exponential moving average of the means, without the pull of a beginning at zero.
 * @param {Point[]} points
 * @param {number} smoothing the weight of what came before, 0 to less than 1
 * @returns {Point[]}
 */
export function smoothed(points, smoothing) {
  if (smoothing === 0) return points;
  const known = smooth.get(points);
  if (known?.smoothing === smoothing) return known.points;
  let [sum, weight] = [0, 0];
  const result = points.map(([step, mean, low, high]) => {
    sum = smoothing * sum + (1 - smoothing) * mean;
    weight = smoothing * weight + (1 - smoothing);
    return /** @type {Point} */ ([step, sum / weight, low, high]);
  });
  smooth.set(points, { smoothing, points: result });
  return result;
}
