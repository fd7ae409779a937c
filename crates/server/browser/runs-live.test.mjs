/** Runs that go on, break and vanish while the page shows them: the tests write them as a training does. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { png } from "./files.mjs";
import { go, settle, shot, site, then } from "./helpers.mjs";
import { RUNS, falling, linesOf, lossAt, makeRun } from "./run-folders.mjs";
import { chart, drawnPoints, near, plot, readStep, readout, rowOf, until } from "./run-page.mjs";

const open = site();
const BOTH = "/runs/?lang=en&run=fast&run=slow";

before(() => assert.ok(RUNS, "UPCONV_RUNS names the folder of the runs `fast` and `slow`"));

test("a run that is being written is followed, half a line or not", async (t) => {
  const still = await makeRun(t, "test-still", { lines: falling(1, 12) });
  await still.train();
  const page = await open(t, "/runs/?lang=en&run=test-still", { refusals: true });
  const run = await makeRun(t, "test-live", { lines: falling(1, 5), length: "40 steps" });
  const rest = await run.train();
  await until("it appears by itself", () => rowOf(page, run.name).isVisible());
  assert.match(await page.locator("#trouble").innerText(), /New: test-live/);
  await then(page, () => rowOf(page, run.name).getByRole("checkbox").check());
  await until("it is training", async () => (await rowOf(page, run.name).locator(".state").innerText()) === "training");
  assert.match(await page.locator("#live").innerText(), /every 2 s/);
  const newest = () => readout(page, "loss", run.name).then(({ value }) => value);
  await until("its curve", async () => await chart(page, "loss").locator(`.readout tr[data-run="${run.name}"]`).count() > 0);
  near(await newest(), lossAt(5));

  // Whoever reads the chart is not disturbed.
  await plot(page).focus();
  await page.keyboard.press("Home");
  const [pointed, height] = [await readStep(page), await page.evaluate(() => document.documentElement.scrollHeight)];
  const line = page.locator(`.chart[data-metric=loss] g[data-run="${run.name}"] .line`).first();
  const other = await page.locator(`.chart[data-metric=loss] g[data-run="${still.name}"] .line`).first().elementHandle();

  const whole = JSON.stringify({ step: 6, epoch: 0, kind: "train", loss: lossAt(6) });
  run.append(whole.slice(0, 20));
  // The first answer may have been under way already.
  for (let answer = 0; answer < 2; answer += 1) await page.waitForResponse((response) => response.url().includes(`/runs/${run.name}`));
  await settle(page);
  assert.equal((await drawnPoints(page, "loss", `g[data-run="${run.name}"] .line`)).points.length, 5, "half a line is none");
  assert.equal(await rowOf(page, run.name).locator(".error").isVisible(), false, "and no fault");
  run.append(`${whole.slice(20)}\n`);
  await until("the line that is whole now", async () => (await drawnPoints(page, "loss", `g[data-run="${run.name}"] .line`)).points.length === 6);
  for (let step = 7; step <= 12; step += 1) {
    run.add({ step, epoch: 0, kind: "train", loss: lossAt(step) });
    await new Promise((done) => setTimeout(done, 100));
  }
  run.add({ step: 12, epoch: 0, kind: "evaluate", loss: 0.25 });
  await until("the evaluation", async () => await page.locator(`.chart[data-metric=loss] g[data-run="${run.name}"][data-kind=evaluate]`).count() > 0);
  const { points, pixel } = await drawnPoints(page, "loss", `g[data-run="${run.name}"][data-kind=train] .line`);
  assert.deepEqual(points.map(([step]) => Math.round(step)), Array.from({ length: 12 }, (_, at) => at + 1));
  points.forEach(([, y], at) => assert.ok(Math.abs(y - lossAt(at + 1)) < 1.2 * pixel));
  assert.match(await rowOf(page, run.name).innerText(), /step 12 of 40/);
  assert.ok(await line.isVisible());

  assert.ok(await plot(page).evaluate((element) => element === document.activeElement), "the focus stays");
  assert.equal(await readStep(page), pointed, "what is pointed at stays");
  assert.equal(await page.evaluate(() => document.documentElement.scrollHeight), height, "nothing jumps");
  assert.ok(await other?.evaluate((element) => element.isConnected), "a line that stands is changed, not made anew");
  await rest();
});

test("a picture that a run writes appears, by its pixels where it is small", async (t) => {
  const run = await makeRun(t, "test-pictures", { lines: falling(1, 3) });
  const other = await makeRun(t, "test-pictures-2", { lines: falling(1, 3) });
  // While a run is trained the page asks more often.
  const rest = await run.train();
  const page = await open(t, "/runs/?lang=en&run=test-pictures&run=test-pictures-2", { refusals: true });
  const part = page.locator("#pictures-part");
  assert.equal(await part.isVisible(), false, "no pictures yet");
  /** Another grey for each. @param {number} step */
  const grey = (step) => png(8, 12, () => step / 2);
  run.picture(100, grey(100));
  const image = part.locator('figure[data-run="test-pictures"] img');
  await until("the picture", () => image.isVisible());
  const pixel = () => image.evaluate(async (element) => {
    if (!(element instanceof HTMLImageElement)) return null;
    await element.decode();
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d");
    context?.drawImage(element, 0, 0);
    return { width: element.naturalWidth, grey: context?.getImageData(3, 3, 1, 1).data[0], how: getComputedStyle(element).imageRendering };
  });
  assert.deepEqual(await pixel(), { width: 12, grey: 50, how: "pixelated" });
  assert.match(await image.getAttribute("alt") ?? "", /test-pictures at step 100/);

  other.picture(200, grey(200));
  run.picture(300, grey(300));
  await until("the newest is followed", async () => /step-|\/300$/.test(await image.getAttribute("src") ?? ""));
  assert.deepEqual((await pixel())?.grey, 150);
  const second = part.locator('figure[data-run="test-pictures-2"]');
  assert.match(await second.innerText(), /step 200/, "the nearest at or before");
  const slider = part.getByRole("slider");
  await slider.focus();
  await page.keyboard.press("Home");
  assert.equal(await slider.getAttribute("aria-valuetext"), "step 100");
  assert.equal((await pixel())?.grey, 50);
  assert.match(await second.innerText(), /no picture yet/);
  await page.keyboard.press("ArrowRight");
  assert.match(await second.innerText(), /step 200/);
  assert.match(await part.locator('figure[data-run="test-pictures"]').innerText(), /step 100/);

  run.picture(400, grey(400));
  await until("another step to choose", async () => await slider.getAttribute("max") === "3");
  assert.equal(await slider.getAttribute("aria-valuetext"), "step 200", "who looks back is not torn away");
  await part.getByRole("button", { name: "Play" }).click();
  await until("it plays on to the end", async () => await slider.getAttribute("aria-valuetext") === "step 400");
  await part.getByRole("button", { name: "Pause" }).click();

  const opener = part.getByRole("button", { name: /Sample picture of test-pictures at/ });
  await opener.focus();
  await page.keyboard.press("Enter");
  const full = page.getByRole("dialog").getByRole("img");
  assert.equal((await full.boundingBox())?.width, 12, "at its full size");
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.ok(await opener.evaluate((element) => element === document.activeElement), "the focus comes back");
  await rest();
});

test("a run with broken metrics is reported beside the others", async (t) => {
  const run = await makeRun(t, "test-broken", { lines: falling(1, 3) });
  run.append("hello\n");
  run.add({ step: 4, epoch: 0, kind: "train", loss: 1 });
  const page = await open(t, "/runs/?lang=en&run=fast&run=test-broken", { refusals: true });
  await until("it is said", async () => /line 4/.test(await rowOf(page, run.name).locator(".error").innerText()));
  assert.ok(await chart(page, "loss").locator("g[data-run=fast]").first().isVisible(), "the other is drawn");
  near((await readout(page, "loss", "fast")).value, linesOf("fast", "train").at(-1).loss);
  near((await readout(page, "loss", run.name)).value, 1, "the lines that are whole count");
  await shot(page, "runs-broken");
});

test("a run whose settings cannot be read is reported beside the others", async (t) => {
  const run = await makeRun(t, "test-unread", { lines: falling(1, 3) });
  writeFileSync(join(run.folder, "config.toml"), "schema = 1\nmodel = \n");
  const page = await open(t, "/runs/?lang=en&run=test-unread&run=fast", { refusals: true });
  await until("it is said", async () => (await rowOf(page, run.name).locator(".error").innerText()).length > 10);
  assert.ok(await chart(page, "loss").locator("g[data-run=fast]").first().isVisible());
});

test("a run that vanishes is said to be gone, and its curves stay", async (t) => {
  const run = await makeRun(t, "test-gone", { lines: falling(1, 4) });
  await run.train();
  const page = await open(t, "/runs/?lang=en&run=test-gone&run=fast", { refusals: true });
  const box = rowOf(page, run.name).getByRole("checkbox");
  await box.focus();
  run.remove();
  await until("it is gone", async () => /gone/.test(await rowOf(page, run.name).locator(".state").innerText()));
  assert.match(await page.locator("#trouble").innerText(), /Gone: test-gone/);
  assert.match(await rowOf(page, run.name).innerText(), /folder is gone/);
  near((await readout(page, "loss", run.name)).value, lossAt(4));
  assert.ok(await box.evaluate((element) => element === document.activeElement), "the focus stays");
  await then(page, () => page.keyboard.press("Space"));
  assert.equal(await chart(page, "loss").locator(`g[data-run="${run.name}"]`).count(), 0);
  await go(page, "/runs/?lang=en&run=test-gone&run=fast");
  await until("a link to it says so", async () => /no such run/.test(await rowOf(page, run.name).innerText()));
  assert.ok(await chart(page, "loss").locator("g[data-run=fast]").first().isVisible());
});

test("a server that does not answer is said, tried again more slowly, and found again", async (t) => {
  const page = await open(t, BOTH, { refusals: true });
  let down = true;
  // It goes on after a pause at once.
  await then(page, () => page.locator("#pause").click());
  await page.route("**/api/v1/runs*", (route) => (down ? route.abort() : route.continue()));
  const trouble = page.locator("#trouble");
  await page.locator("#pause").click();
  const pauses = new Set();
  await until("it is said", async () => {
    const said = /cannot be reached.*again in (\d+) s/.exec(await trouble.innerText());
    if (said) pauses.add(Number(said[1]));
    return pauses.size >= 2;
  });
  assert.deepEqual([...pauses], [2, 4]);
  near((await readout(page, "loss", "fast")).value, linesOf("fast", "train").at(-1).loss, "what was read stays");
  down = false;
  await then(page, () => page.getByRole("button", { name: "Try now" }).click());
  await until("it is well again", async () => (await trouble.innerText()) === "");

  await page.route("**/api/v1/runs*", (route) => route.fulfill({ status: 429, headers: { "retry-after": "7" }, json: { error: { message: "too many questions" } } }));
  await go(page, BOTH);
  await until("as long as the server asks", async () => /too many questions.*again in 7 s/.test(await trouble.innerText()));
});

test("paused or hidden, the page does not ask", async (t) => {
  const run = await makeRun(t, "test-rhythm", { lines: falling(1, 2) });
  const rest = await run.train();
  const page = await open(t, BOTH, { refusals: true });
  await until("every two seconds", async () => /every 2 s/.test(await page.locator("#live").innerText()));
  let asked = 0;
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === "/api/v1/runs") asked += 1;
  });
  const during = async (/** @type {number} */ seconds) => {
    asked = 0;
    await new Promise((done) => setTimeout(done, 1000 * seconds));
    return asked;
  };
  const lively = await during(5);
  assert.ok(lively >= 1 && lively <= 3, `${lively} questions`);
  const pause = page.locator("#pause");
  await then(page, () => pause.click());
  assert.equal(await pause.innerText(), "Go on");
  assert.equal(await during(3.5), 0);
  await then(page, () => pause.click());
  assert.ok(asked > 0, "and goes on at once");

  const hide = (/** @type {boolean} */ hidden) => page.evaluate((wanted) => {
    Object.defineProperty(document, "hidden", { get: () => wanted, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await settle(page);
  await hide(true);
  assert.equal(await during(3.5), 0);
  await hide(false);
  await until("it asks at once", async () => asked > 0);
  await rest();
  await until("the run rests", async () => /resting/.test(await rowOf(page, run.name).locator(".state").innerText()));
});
