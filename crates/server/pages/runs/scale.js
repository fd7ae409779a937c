/** From numbers to places on a chart, and round numbers along an axis. */

const MINUS = "\u2212";
/** Room at the ends of the vertical axis, as a share of it. */
const ROOM = 0.05;

/**
 * @typedef {object} Scale
 * @property {number} low
 * @property {number} high
 * @property {boolean} log
 * @property {(value: number) => number} at the place in pixels
 * @property {(place: number) => number} value what is there
 */

/**
 * @param {number} low
 * @param {number} high more than `low`
 * @param {number} begin the pixel of `low`
 * @param {number} end the pixel of `high`
 * @param {boolean} [log]
 * @returns {Scale}
 */
export function scale(low, high, begin, end, log = false) {
  const [onto, back] = log ? [Math.log10, (/** @type {number} */ exponent) => 10 ** exponent] : [(/** @type {number} */ same) => same, (/** @type {number} */ same) => same];
  const [first, span] = [onto(low), onto(high) - onto(low)];
  return {
    low, high, log,
    at: (value) => begin + ((onto(value) - first) / span) * (end - begin),
    value: (place) => back(first + ((place - begin) / (end - begin)) * span),
  };
}

/**
 * A range with some room around it, so that no line lies on the frame.
 * @param {number} low
 * @param {number} high
 * @param {boolean} log
 * @returns {[number, number]}
 */
export function roomy(low, high, log) {
  if (log) {
    const room = high > low ? (high / low) ** ROOM : 2;
    return [low / room, high * room];
  }
  const room = high > low ? ROOM * (high - low) : Math.abs(low) / 10 || 1;
  return [low - room, high + room];
}

/**
 * Round numbers with at most so many steps between them.
 * @param {Scale} axis
 * @param {number} most
 * @param {boolean} [whole] whether there is nothing between whole numbers
 * @returns {{value: number, text: string}[]}
 */
export function ticks(axis, most, whole = false) {
  if (axis.log) {
    const values = logTicks(axis, most);
    if (values.length >= 2) return values.map((value) => ({ value, text: round(value, value) }));
  }
  const gap = niceGap((axis.high - axis.low) / Math.max(1, most), whole);
  const count = Math.floor(axis.high / gap) - Math.ceil(axis.low / gap) + 1;
  // Each is counted from zero by itself: sums of gaps would not stay round.
  return Array.from({ length: Math.max(0, count) }, (_, at) => {
    const value = (Math.ceil(axis.low / gap) + at) * gap;
    return { value, text: round(value, gap) };
  });
}

/** The smallest of 1, 2, 5, 10, 20 … and 0.5, 0.2, 0.1 … that is not smaller. @param {number} gap @param {boolean} whole */
function niceGap(gap, whole) {
  const power = 10 ** Math.floor(Math.log10(gap));
  const nice = ([1, 2, 5, 10].find((step) => step * power >= gap * (1 - 1e-9)) ?? 10) * power;
  return whole ? Math.max(1, nice) : nice;
}

/**
 * Powers of ten, not all where there are many, and 2 and 5 times them where there are few.
 * @param {Scale} axis
 * @param {number} most
 */
function logTicks({ low, high }, most) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.ceil((last - first) / most);
  const factors = last - first <= 2 ? [1, 2, 5] : [1];
  const values = [];
  for (let exponent = first; exponent <= last; exponent += 1) {
    if (exponent % every !== 0) continue;
    for (const factor of factors) values.push(Number(`${factor}e${exponent}`));
  }
  return values.filter((value) => value >= low && value <= high);
}

/**
 * With as many digits as the gap has.
 * @param {number} value
 * @param {number} gap
 */
function round(value, gap) {
  const size = Math.abs(value);
  const digits = Math.max(0, -Math.floor(Math.log10(gap) + 1e-9));
  const small = size !== 0 && size < 1e-4;
  const text = small || size >= 1e6 ? Number(value.toPrecision(6)).toExponential().replace("e+", "e") : value.toFixed(Math.min(digits, 20));
  return text.replace(/^-0(\.0*)?$/, "0").replaceAll("-", MINUS);
}
