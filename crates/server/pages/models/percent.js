/** Shares and probabilities as they are shown. */

/** @param {number} share */
export function showPercent(share) {
  const percent = 100 * share;
  return `${percent.toFixed(percent !== 0 && percent < 0.95 ? 2 : 1)} %`;
}
