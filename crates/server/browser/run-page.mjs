/** What the page of the runs shows, read as numbers. */

import assert from "node:assert/strict";

/** @typedef {import("playwright-core").Page} Page */

/** What is looked for again and again, as the page follows within some seconds. */
const PATIENCE = 25_000;

/**
 * @param {string} what
 * @param {() => Promise<unknown>} check true at last
 */
export async function until(what, check) {
  const end = Date.now() + PATIENCE;
  while (!(await check())) {
    assert.ok(Date.now() < end, `in time: ${what}`);
    await new Promise((done) => setTimeout(done, 150));
  }
}

/** @param {Page} page @param {string} name */
export const rowOf = (page, name) => page.locator(`#list li[data-run="${name}"]`);
/** @param {Page} page @param {string} metric */
export const chart = (page, metric) => page.locator(`.chart[data-metric="${metric}"]`);
/** @param {Page} page @param {string} [metric] */
export const plot = (page, metric = "loss") => chart(page, metric).getByRole("slider");
/** @param {string} shown */
export const number = (shown) => Number(shown.replaceAll("\u2212", "-"));

/** What the readout of a chart says of a run. @param {Page} page @param {string} metric @param {string} run @param {string} [kind] */
export async function readout(page, metric, run, kind = "train") {
  const cell = chart(page, metric).locator(`.readout tr[data-run="${run}"] td[data-kind="${kind}"]`);
  return { value: number(await cell.locator(".value").innerText()), more: await cell.locator("small").innerText() };
}

/** @param {Page} page @param {string} [metric] */
export const readStep = async (page, metric = "loss") => Number(/\d+/.exec(await chart(page, metric).locator("caption").innerText())?.[0]);

/** Six digits are shown. @param {number} shown @param {number} real @param {string} [what] */
export function near(shown, real, what = "") {
  assert.ok(Math.abs(shown - real) <= Math.abs(real) * 1e-5 + 1e-12, `${what} ${shown} is not ${real}`);
}

/**
 * The points of a drawn line, in numbers: the ticks of the axes are the ruler.
 * @param {Page} page
 * @param {string} metric
 * @param {string} part of the group of the run
 * @param {boolean} [log]
 */
export async function drawnPoints(page, metric, part, log = false) {
  const read = await chart(page, metric).evaluate((element, selector) => {
    const ticks = (/** @type {string} */ axis, /** @type {string} */ end) => [...element.querySelectorAll(`.axes .${axis}`)].map((tick) =>
      [Number(tick.querySelector("line")?.getAttribute(end)), tick.querySelector("text")?.textContent ?? ""]);
    return { x: ticks("x", "x1"), y: ticks("y", "y1"), path: element.querySelector(selector)?.getAttribute("d") ?? "" };
  }, part);
  const onto = (/** @type {boolean} */ bent) => (/** @type {number} */ value) => (bent ? Math.log10(value) : value);
  const ruler = (/** @type {[number, string][]} */ ticks, /** @type {boolean} */ bent) => {
    assert.ok(ticks.length >= 2, "two ticks at least");
    const [[a, low], [b, high]] = [ticks[0], ticks[ticks.length - 1]].map(([at, said]) => [at, onto(bent)(number(said))]);
    return (/** @type {number} */ at) => low + ((at - a) / (b - a)) * (high - low);
  };
  const [x, y] = [ruler(read.x, false), ruler(read.y, log)];
  const pixel = Math.abs(y(1) - y(0));
  return { pixel, points: [...read.path.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(([, at, up]) => [x(Number(at)), y(Number(up))]) };
}
