/** Numbers as they are shown. */

const MINUS = "\u2212";

/**
 * With up to four decimals, without trailing zeros; very large and very small ones as 1.2e9.
 * @param {number} value
 */
export function showNumber(value) {
  const size = Math.abs(value);
  const text = size !== 0 && (size < 0.00005 || size >= 1e9) ? value.toExponential(2) : value.toFixed(4).replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text.replace("-", MINUS);
}

/**
 * For a cell, which has room for about five characters.
 * @param {number} value
 */
export function showShort(value) {
  const text = showNumber(value);
  if (text.length <= 5) return text;
  const size = Math.abs(value);
  const short = size >= 1e5 ? value.toExponential(0) : value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
  return short.replace("-", MINUS);
}

/**
 * 3x4.
 * @param {readonly number[]} sides
 */
export function showSize(sides) {
  return sides.join("x");
}

/**
 * The place of a cell as `2` or `0,2`.
 * @param {number} cell
 * @param {number} columns
 * @param {1 | 2} rank
 */
export function showPlace(cell, columns, rank) {
  const row = Math.floor(cell / columns);
  return rank === 1 ? String(cell) : `${row},${cell - row * columns}`;
}

/** @param {number} bytes */
export function showBytes(bytes) {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
