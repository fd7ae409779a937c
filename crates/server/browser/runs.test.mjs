/** The runs: the list, curves and settings against the files that a training wrote. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { before, test } from "node:test";
import { BASE, PHONE, addressOf, focused, go, settle, shot, site, tabTo, then } from "./helpers.mjs";
import { RUNS, falling, linesOf, makeRun, metricsOf, picturesOf, settingsOf } from "./run-folders.mjs";
import { chart, drawnPoints, near, number, plot, readStep, readout, rowOf, until } from "./run-page.mjs";

const open = site();
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const BOTH = "/runs/?lang=en&run=fast&run=slow";

/** @typedef {import("playwright-core").Page} Page */

before(() => assert.ok(RUNS, "UPCONV_RUNS names the folder of the runs `fast` and `slow`"));

test("the list says what each run is", async (t) => {
  const page = await open(t, BOTH);
  for (const run of ["fast", "slow"]) {
    const [settings, lines] = [settingsOf(run), linesOf(run)];
    const row = rowOf(page, run);
    const said = await row.innerText();
    assert.ok(said.includes(JSON.parse(settings.model)), said);
    assert.match(said, /resting/);
    const { step, epoch } = lines.at(-1);
    const [count, unit] = JSON.parse(settings["run.length"]).split(" ");
    assert.match(said, unit.startsWith("step") ? new RegExp(`step ${step} of ${count}\\b`) : new RegExp(`epoch ${epoch} of ${count}\\b.*step ${step}\\b`));
    const bar = row.getByRole("progressbar");
    const filled = await bar.evaluate((element) => (element instanceof HTMLProgressElement ? [element.value, element.max] : []));
    assert.deepEqual(filled, [unit.startsWith("step") ? step : epoch, Number(count)]);
    assert.match(said, / ago|just now/);
    assert.ok(await row.getByRole("checkbox").isChecked());
    const metric = settings["run.best.metric"] && JSON.parse(settings["run.best.metric"]);
    const best = linesOf(run, "evaluate").map((line) => line[metric]).filter((value) => value !== undefined);
    if (metric && best.length) {
      const wanted = settings["run.best.goal"] === '"min"' ? Math.min(...best) : Math.max(...best);
      near(number(new RegExp(`${metric} ([\\d.e\u2212]+)`).exec(said)?.[1] ?? ""), wanted, "the best");
    }
  }
  await shot(page, "runs");
});

test("a page without a choice begins with one run", async (t) => {
  const page = await open(t, "/runs/?lang=en");
  await until("a chart", async () => await page.locator(".chart").count() > 0);
  assert.equal(await page.locator("#list").getByRole("checkbox", { checked: true }).count(), 1);
  assert.ok(addressOf(page).run, "and the address says which");
  await then(page, () => page.getByRole("button", { name: "Choose none" }).click());
  assert.match(await page.locator("#curves").innerText(), /Choose a run/);
  await page.reload();
  await settle(page);
  assert.equal(await page.locator(".chart").count(), 0, "a link to no runs shows no runs");
});

test("two runs over each other: their values at a step are those of the files", async (t) => {
  const page = await open(t, BOTH);
  const metrics = metricsOf("fast");
  assert.deepEqual(await page.locator(".chart h3").allInnerTexts(), metrics);
  const newest = linesOf("slow", "train").at(-1);
  near((await readout(page, "loss", "slow")).value, newest.loss, "the newest value");

  await plot(page).focus();
  const steps = [...new Set([...linesOf("fast"), ...linesOf("slow")].filter((line) => "loss" in line).map(({ step }) => step))].sort((a, b) => a - b);
  for (const [key, wanted] of /** @type {[string, number | undefined][]} */ ([["Home", steps[0]], ["ArrowRight", steps[1]], ["ArrowRight", steps[2]], ["ArrowLeft", steps[1]], ["End", steps.at(-1)], ["ArrowLeft", steps.at(-2)]])) {
    await page.keyboard.press(key);
    assert.equal(await readStep(page), wanted, key);
    assert.equal(await plot(page).getAttribute("aria-valuenow"), String(wanted));
    assert.equal(await chart(page, "loss").getByRole("status").getAttribute("aria-live"), "polite");
    for (const run of ["fast", "slow"]) {
      for (const kind of /** @type {const} */ (["train", "evaluate"])) {
        for (const metric of metrics) {
          const lines = linesOf(run, kind).filter((line) => line[metric] !== undefined && line.step <= Number(wanted));
          if (lines.length === 0) continue;
          const { value, more } = await readout(page, metric, run, kind);
          const last = lines.at(-1);
          near(value, last[metric], `${run} ${kind} ${metric} at ${wanted}`);
          assert.equal(/at step (\d+)/.exec(more)?.[1] ?? String(wanted), String(last.step), "an earlier step is said");
        }
      }
    }
  }
  assert.equal(await page.locator(".pointed line").count(), metrics.length, "a vertical line in every chart");
  await page.keyboard.press("Escape");
  assert.match(await chart(page, "loss").locator("caption").innerText(), /newest/);
});

test("the mouse points, and the line stands where the mouse is", async (t) => {
  const page = await open(t, BOTH);
  const box = await plot(page).boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2);
  const step = await readStep(page);
  const line = linesOf("fast", "train").findLast((one) => one.step <= step);
  near((await readout(page, "loss", "fast")).value, line.loss);
  const at = Number(await chart(page, "loss").locator(".pointed line").getAttribute("x1"));
  const gap = 1 + (box.width / linesOf("fast", "train").length);
  assert.ok(Math.abs(at - box.width * 0.6) <= gap, `${at} of ${box.width}`);
  await page.mouse.move(5, 5);
  assert.equal(await page.locator(".pointed line").count(), 0);
});

test("what is drawn is what the files say, on a log scale too", async (t) => {
  const page = await open(t, BOTH);
  for (const log of [false, true]) {
    if (log) await then(page, () => page.getByRole("checkbox", { name: "log scale" }).check());
    for (const run of ["fast", "slow"]) {
      const lines = linesOf(run, "train").filter(({ loss }) => loss !== undefined);
      const { points, pixel } = await drawnPoints(page, "loss", `g[data-run="${run}"][data-kind=train] .line`, log);
      assert.equal(points.length, lines.length);
      lines.forEach(({ step, loss }, at) => {
        const [x, y] = points[at] ?? [];
        assert.ok(Math.abs(x - step) < (lines.at(-1).step - lines[0].step) / 300, `step ${step} is drawn at ${x}`);
        assert.ok(Math.abs(y - (log ? Math.log10(loss) : loss)) < 1.2 * pixel, `${run} ${loss} is drawn at ${y}`);
      });
    }
  }
  assert.equal(addressOf(page).log, "1");
  const looks = await chart(page, "loss").locator("g[data-kind=train] .line").evaluateAll((lines) => lines.map((line) => [getComputedStyle(line).stroke, line.getAttribute("stroke-dasharray") ?? ""]));
  assert.equal(new Set(looks.map(([colour]) => colour)).size, 2, "two colours");
  assert.equal(new Set(looks.map(([, dash]) => dash)).size, 2, "and two patterns");
});

test("smoothing changes the drawing only", async (t) => {
  const page = await open(t, BOTH);
  const value = await readout(page, "loss", "fast");
  const slider = page.getByRole("slider", { name: /Smoothing.*drawing only/ });
  await slider.fill("0.8");
  await settle(page);
  const lines = linesOf("fast", "train");
  let [sum, weight] = [0, 0];
  const wanted = lines.map(({ loss }) => {
    [sum, weight] = [0.8 * sum + 0.2 * loss, 0.8 * weight + 0.2];
    return sum / weight;
  });
  const group = "g[data-run=fast][data-kind=train]";
  const [smooth, raw] = [await drawnPoints(page, "loss", `${group} .line`), await drawnPoints(page, "loss", `${group} .raw`)];
  smooth.points.forEach(([, y], at) => assert.ok(Math.abs(y - wanted[at]) < 1.2 * smooth.pixel, `${y} is not ${wanted[at]}`));
  raw.points.forEach(([, y], at) => assert.ok(Math.abs(y - lines[at].loss) < 1.2 * raw.pixel));
  assert.deepEqual(await readout(page, "loss", "fast"), value, "the figures stay");
  await page.waitForFunction(() => location.search.includes("smooth=0.8"));
});

test("the settings that differ, exactly", async (t) => {
  const page = await open(t, BOTH);
  const [fast, slow] = [settingsOf("fast"), settingsOf("slow")];
  const keys = [...new Set([...Object.keys(fast), ...Object.keys(slow)])].sort();
  const differing = keys.filter((key) => fast[key] !== slow[key]);
  assert.ok(differing.length > 0 && differing.length < keys.length);
  const rows = page.locator("#settings tbody tr");
  const shown = async () => (await rows.evaluateAll((all) => all.map((row) => row.getAttribute("data-key") ?? ""))).sort();
  assert.deepEqual(await shown(), differing);
  for (const key of differing) {
    const cells = await page.locator(`#settings tr[data-key="${key}"] td`).allInnerTexts();
    assert.equal(Number(cells[0]), Number(fast[key]) || cells[0]);
    assert.match(cells[1] ?? "", /≠/, "a sign beside the colour");
    assert.equal(Number(/≠ ([^\s,]+)/.exec(cells[1] ?? "")?.[1]), Number(slow[key]));
  }
  await then(page, () => page.getByRole("checkbox", { name: /also those that are the same/ }).check());
  assert.deepEqual(await shown(), keys);
  await page.getByRole("textbox", { name: /Filter the settings/ }).fill("rate");
  assert.deepEqual(await shown(), keys.filter((key) => key.includes("rate") || /rate/.test(fast[key] + slow[key])));
});

test("a link shows the same: runs and colours, metrics, smoothing, scale and steps", async (t) => {
  const page = await open(t, "/runs/?lang=en&run=");
  await then(page, () => rowOf(page, "slow").getByRole("checkbox").check());
  await then(page, () => rowOf(page, "fast").getByRole("checkbox").check());
  await until("both are drawn", async () => await chart(page, "loss").locator("g[data-run]").count() >= 2);
  const colours = () => page.locator(".chart[data-metric=loss] g[data-run=fast] .line").first().evaluate((line) => getComputedStyle(line).stroke);
  const colour = await colours();
  await then(page, () => rowOf(page, "slow").getByRole("checkbox").uncheck());
  assert.equal(await colours(), colour, "a run keeps its colour when another goes");
  await then(page, () => page.locator('.metrics label[data-metric="rate"]').click());
  await then(page, () => page.getByRole("checkbox", { name: "log scale" }).check());
  const steps = linesOf("fast", "train").map(({ step }) => step);
  await page.getByRole("spinbutton", { name: "Steps from" }).fill(String(steps[1]));
  await then(page, () => page.keyboard.press("Enter"));
  const state = async () => ({
    colour: await colours(), metrics: await page.locator(".chart h3").allInnerTexts(),
    axes: await page.locator(".chart .axes text").allTextContents(), address: new URL(page.url()).search,
  });
  const now = await state();
  assert.ok(!now.metrics.includes("rate"));
  await page.reload();
  await settle(page);
  await until("the chart is back", async () => await chart(page, "loss").locator(".line").count() > 0);
  assert.deepEqual(await state(), now);
  await then(page, () => page.goBack());
  assert.equal(await page.getByRole("button", { name: "All steps" }).count(), 0, "back to all steps");
});

test("zoom by mouse and by keyboard, and back", async (t) => {
  const page = await open(t, BOTH);
  const lines = ["fast", "slow"].flatMap((run) => linesOf(run)).filter(({ loss }) => loss !== undefined);
  const steps = [...new Set(lines.map(({ step }) => step))].sort((a, b) => a - b);
  const ticks = (/** @type {string} */ axis) => chart(page, "loss").locator(`.axes .${axis} text`).allTextContents().then((texts) => texts.map(number));
  /** The highest and the lowest of the steps that are seen fill the height. @param {number} from @param {number} to */
  const fills = async (from, to) => {
    const values = lines.filter(({ step }) => step >= from && step <= to).map(({ loss }) => loss);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    for (const tick of await ticks("y")) assert.ok(tick >= low - 0.06 * (high - low) && tick <= high + 0.06 * (high - low), `${tick} in ${low} to ${high}`);
  };
  const all = await ticks("x");
  await fills(steps[0], steps.at(-1));

  const box = await plot(page).boundingBox();
  assert.ok(box);
  const middle = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.3, middle);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, middle);
  await page.mouse.move(box.x + box.width * 0.7, middle);
  assert.equal(await chart(page, "loss").locator(".selection").getAttribute("visibility"), "visible");
  await then(page, () => page.mouse.up());
  const { from, to } = addressOf(page);
  const x = await ticks("x");
  assert.ok(Number(from) > steps[0] && Number(to) < Number(steps.at(-1)) && Number(from) < Number(to));
  assert.ok(x.every((tick) => tick >= Number(from) && tick <= Number(to)), `${x} in ${from} to ${to}`);
  await shot(page, "runs-zoom");
  await then(page, () => plot(page).dblclick());
  assert.deepEqual(await ticks("x"), all);

  await plot(page).focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  for (let press = 0; press < 3; press += 1) await page.keyboard.press("Shift+ArrowRight");
  await then(page, () => page.keyboard.press("Enter"));
  assert.deepEqual([addressOf(page).from, addressOf(page).to], [String(steps[1]), String(steps[4])]);
  await fills(steps[1], steps[4]);
  await then(page, () => page.keyboard.press("Escape"));
  assert.deepEqual(await ticks("x"), all);
  assert.equal(addressOf(page).from, undefined);
  assert.ok(await plot(page).evaluate((element) => element === document.activeElement), "the focus stays");
});

test("values of 0 or less are left out of a log scale, and it is said", async (t) => {
  const values = [4, 0, 2, -1, 1, 0.5];
  const lines = values.map((margin, at) => ({ step: at + 1, epoch: 0, kind: "train", margin }));
  await makeRun(t, "test-signs", { lines });
  const page = await open(t, "/runs/?lang=en&run=test-signs", { refusals: true });
  assert.equal(await chart(page, "margin").getByText(/left out/).isVisible(), false);
  await then(page, () => page.getByRole("checkbox", { name: "log scale" }).check());
  assert.match(await chart(page, "margin").innerText(), /0 or less have no place on a log scale: 2 left out/);
  const { points } = await drawnPoints(page, "margin", "g[data-run] .line", true);
  assert.deepEqual(points.map(([step]) => Math.round(step)), [1, 3, 5, 6]);
});

/** @param {Page} page @param {import("playwright-core").Locator} opener */
async function downloaded(page, opener) {
  const [download] = await Promise.all([page.waitForEvent("download"), opener.click()]);
  return { name: download.suggestedFilename(), content: readFileSync(await download.path(), "utf8") };
}

/** But for the last bit, which is lost on the way through text. @param {number} value @param {number} wanted */
const exact = (value, wanted) => Math.abs(value - wanted) <= 1e-15 * Math.abs(wanted);

test("values as CSV, a chart as SVG, and a table", async (t) => {
  const page = await open(t, BOTH);
  const { name, content } = await downloaded(page, page.getByRole("button", { name: "Save the values of loss as CSV" }));
  assert.equal(name, "loss.csv");
  const [head, ...rows] = content.trim().split("\n").map((line) => line.split(","));
  assert.deepEqual(head, ["run", "metric", "kind", "step", "mean", "low", "high"]);
  for (const run of ["fast", "slow"]) {
    for (const kind of /** @type {const} */ (["train", "evaluate"])) {
      const wanted = linesOf(run, kind).filter(({ loss }) => loss !== undefined).map(({ step, loss }) => [step, loss, loss, loss]);
      const saved = rows.filter(([one, , of]) => one === run && of === kind).map((row) => row.slice(3).map(Number));
      assert.deepEqual(saved.map(([step]) => step), wanted.map(([step]) => step));
      saved.forEach((row, at) => row.forEach((value, part) => assert.ok(exact(value, wanted[at]?.[part] ?? NaN), `${value} is not ${wanted[at]}`)));
    }
  }

  const picture = await downloaded(page, page.getByRole("button", { name: "Save the chart of loss as SVG" }));
  assert.equal(picture.name, "loss.svg");
  const line = await chart(page, "loss").locator("g[data-run=fast] .line").first().getAttribute("d");
  const drawn = await page.evaluate((text) => {
    const file = new DOMParser().parseFromString(text, "image/svg+xml");
    const path = file.querySelector("g[data-run=fast] .line");
    return { fault: file.querySelector("parsererror")?.textContent ?? "", d: path?.getAttribute("d"), stroke: path?.getAttribute("stroke"), texts: [...file.querySelectorAll("text")].map((one) => one.textContent) };
  }, picture.content);
  assert.equal(drawn.fault, "");
  assert.equal(drawn.d, line);
  assert.match(drawn.stroke ?? "", /^rgb/, "it does not need the styles of the page");
  for (const word of ["loss", "fast", "slow"]) assert.ok(drawn.texts.includes(word));

  await chart(page, "loss").getByText("Table of values").click();
  const cells = (await chart(page, "loss").locator("details tbody tr").first().innerText()).split("\t");
  const first = linesOf("fast", "train")[0];
  assert.equal(Number(cells[0]), first.step);
  near(number(cells[1] ?? ""), first.loss);
});

test("of many steps a point keeps the mean and the extremes", async (t) => {
  const lines = falling(1, 5000);
  await makeRun(t, "test-long", { lines, length: "5000 steps" });
  const page = await open(t, "/runs/?lang=en&run=test-long", { refusals: true });
  const { content } = await downloaded(page, page.getByRole("button", { name: "Save the values of loss as CSV" }));
  const rows = content.trim().split("\n").slice(1).map((row) => row.split(",").slice(3).map(Number));
  assert.ok(rows.length > 100 && rows.length <= 1000, `${rows.length} points`);
  const all = lines.map(({ loss }) => loss);
  assert.ok(exact(Math.min(...rows.map(([, , low]) => low)), Math.min(...all)));
  assert.ok(exact(Math.max(...rows.map(([, , , high]) => high)), Math.max(...all)));
  assert.ok(rows.every(([, mean, low, high]) => low <= mean && mean <= high));
  // But the last, all stand for several steps.
  assert.ok(rows.slice(0, -1).every(([, , low, high]) => low < high));
  assert.match(await chart(page, "loss").locator("g[data-run=test-long] .band").getAttribute("d") ?? "", /^M.*Z$/, "a band");
  const last = rows.at(-1);
  const { value, more } = await readout(page, "loss", "test-long");
  near(value, last?.[1] ?? NaN);
  assert.equal(/to/.test(more), Number(last?.[2]) < Number(last?.[3]));
  await plot(page).focus();
  await page.keyboard.press("Home");
  const [low, high] = (await readout(page, "loss", "test-long")).more.match(/[\d.]+/g)?.map(Number) ?? [];
  const [, , least, most] = rows[0] ?? [];
  assert.ok(Math.abs(low - least) < 1e-3 * least && Math.abs(high - most) < 1e-3 * most, `${low} to ${high}`);
});

test("the pictures of the trainings themselves", async (t) => {
  const steps = [...new Set([...picturesOf("fast"), ...picturesOf("slow")])].sort((a, b) => a - b);
  const page = await open(t, BOTH);
  const part = page.locator("#pictures-part");
  if (steps.length === 0) {
    assert.equal(await part.isVisible(), false);
    return;
  }
  for (const run of ["fast", "slow"]) {
    const newest = picturesOf(run).at(-1);
    if (newest === undefined) continue;
    assert.match(await part.locator(`figure[data-run="${run}"]`).innerText(), new RegExp(`step ${newest}\\b`));
    const image = part.locator(`figure[data-run="${run}"] img`);
    await until("it is read", () => image.evaluate((element) => element instanceof HTMLImageElement && element.naturalWidth > 0));
  }
});

test("without runs the page says how to get one", async (t) => {
  const page = await open(t, "/runs/?lang=en", { prepare: (blank) => blank.route("**/api/v1/runs*", (route) => route.fulfill({ json: { runs: [] } })) });
  const said = await page.locator("#list").innerText();
  assert.match(said, /upconv serve --runs DIR/);
  assert.match(said, /upconv train MODEL --data DIR --out RUN/);
});

test("many runs are filtered, and walked through with the arrow keys", async (t) => {
  const made = await Promise.all(Array.from({ length: 9 }, (_, at) => makeRun(t, `test-many-${at}`, { lines: falling(1, 2 + at) })));
  const page = await open(t, "/runs/?lang=en&run=fast", { refusals: true });
  const visible = page.locator("#list li:visible");
  assert.ok(await visible.count() >= 11);
  await page.getByRole("textbox", { name: /Filter the runs/ }).fill("many- 7");
  assert.deepEqual(await visible.evaluateAll((rows) => rows.map((row) => row.getAttribute("data-run"))), [made[7]?.name]);
  await page.getByRole("textbox", { name: /Filter the runs/ }).fill("many");
  await rowOf(page, "test-many-0").getByRole("checkbox").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(page), "test-many-2");
  // More runs than colours: still no two look the same.
  for (const { name } of made) await rowOf(page, name).getByRole("checkbox").check();
  await until("all are drawn", async () => await chart(page, "loss").locator("g[data-run][data-kind=train]").count() === 10);
  const looks = await chart(page, "loss").locator(".readout tbody tr .swatch").evaluateAll((all) => all.map((one) => {
    const line = one.querySelector(".line");
    return line ? getComputedStyle(line).stroke + line.getAttribute("stroke-dasharray") : "";
  }));
  assert.equal(new Set(looks).size, 10);
});

test("by keyboard alone: choose a run, point, zoom, save", async (t) => {
  const page = await open(t, "/runs/?lang=en&run=");
  await tabTo(page, /^fast$/, 30);
  await then(page, () => page.keyboard.press("Space"));
  await until("its chart", () => chart(page, "loss").isVisible());
  await tabTo(page, /Smoothing/, 60);
  await page.keyboard.press("ArrowRight");
  await tabTo(page, /log scale/, 3);
  await then(page, () => page.keyboard.press("Space"));
  assert.equal(addressOf(page).log, "1");
  await tabTo(page, /Save the values of loss/, 30);
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.equal(download.suggestedFilename(), "loss.csv");
  await tabTo(page, /^loss, by steps$/, 3);
  await page.keyboard.press("Home");
  const first = linesOf("fast", "train")[0];
  assert.equal(await readStep(page), first.step);
  near((await readout(page, "loss", "fast")).value, first.loss);
  await tabTo(page, /Filter the settings/, 40);
  await page.keyboard.type("seed");
  assert.equal(await page.locator("#settings tbody tr").count(), Object.keys(settingsOf("fast")).filter((key) => key.includes("seed")).length);
});

test("in Chinese nothing English is left but names", async (t) => {
  const page = await open(t, "/runs/?lang=zh&run=fast&run=slow");
  await until("the charts", async () => await page.locator(".chart").count() > 0);
  const read = await page.evaluate(() => {
    const found = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement && !node.parentElement.closest("code, pre, script") && node.parentElement.checkVisibility()) found.push(node.textContent ?? "");
    }
    for (const element of document.querySelectorAll("[aria-label], [alt], [title], [placeholder], [aria-valuetext]")) {
      for (const name of ["aria-label", "alt", "title", "placeholder", "aria-valuetext"]) found.push(element.getAttribute(name) ?? "");
    }
    return found;
  });
  const { runs } = await (await fetch(`${BASE}/api/v1/runs`)).json();
  const named = [...metricsOf("fast"), ...["fast", "slow"].flatMap((run) => Object.values(settingsOf(run))), ...runs.flatMap(({ name, model, best }) => [name, model, best?.metric])];
  const names = new Set(["upconv", "English", "SVG", "CSV", "Shift", "Esc", ...named.join(" ").match(/[A-Za-z]\w+/g) ?? []]);
  const left = read.flatMap((text) => (text.match(/[A-Za-z]\w+/g) ?? []).filter((word) => !names.has(word)).map((word) => `${word}: ${text}`));
  assert.deepEqual(left, []);
  await plot(page).focus();
  await page.keyboard.press("Home");
  assert.match(await chart(page, "loss").locator("caption").innerText(), /^第 \d+ 步$/);
  await shot(page, "runs-zh");
  await then(page, () => page.getByRole("button", { name: "English" }).click());
  await page.keyboard.press("Tab");
  const texts = await page.locator("main").innerText();
  assert.doesNotMatch(texts, /\p{Script=Han}/u);
});

test("axe-core finds nothing serious", async (t) => {
  const broken = await makeRun(t, "test-axe", { lines: falling(1, 3) });
  broken.append("hello\n{}\n");
  const page = await open(t, `${BOTH}&run=test-axe&smooth=0.5`, { refusals: true, script: AXE });
  await plot(page).focus();
  await page.keyboard.press("Home");
  await chart(page, "loss").getByText("Table of values").click();
  for (const theme of /** @type {const} */ (["light", "dark"])) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await settle(page);
    const { violations } = await page.evaluate(() => Reflect.get(window, "axe").run(document, { resultTypes: ["violations"] }));
    assert.deepEqual(violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => `${theme} ${id}: ${nodes.slice(0, 3).map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`), []);
    // Lines are seen against the paper.
    const contrasts = await page.evaluate(() => {
      const light = (/** @type {string} */ colour) => {
        const [r, g, b] = (colour.match(/[\d.]+/g) ?? []).map((part) => Number(part) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const paper = light(getComputedStyle(document.body).backgroundColor);
      return Array.from({ length: 8 }, (_, at) => {
        const probe = document.createElement("span");
        probe.className = `colour-${at}`;
        document.body.append(probe);
        probe.style.color = "var(--run)";
        const line = light(getComputedStyle(probe).color);
        probe.remove();
        return (Math.max(line, paper) + 0.05) / (Math.min(line, paper) + 0.05);
      });
    });
    contrasts.forEach((contrast, at) => assert.ok(contrast >= 3, `${theme} colour ${at}: ${contrast.toFixed(2)}`));
  }
});

test("nothing is wider than a phone, and a finger points", async (t) => {
  const page = await open(t, BOTH, { viewport: PHONE });
  await until("the charts", async () => await page.locator(".chart").count() > 0);
  for (const lang of ["en", "zh"]) {
    await go(page, `/runs/?lang=${lang}&run=fast&run=slow`);
    await page.locator("#settings").getByRole("checkbox").check();
    await chart(page, "loss").locator("summary").click();
    await settle(page);
    const { width, wide } = await page.evaluate(() => ({
      width: document.documentElement.scrollWidth,
      wide: [...document.querySelectorAll("main *")].filter((element) => element.getBoundingClientRect().right > innerWidth && !element.closest(".scroll, pre")).slice(0, 5).map((element) => element.outerHTML.slice(0, 80)),
    }));
    assert.ok(width <= PHONE.width, `${width} pixels; ${wide.join("; ")}`);
  }
  await plot(page).evaluate((element) => {
    const { left, top, width } = element.getBoundingClientRect();
    for (const [type, share] of /** @type {[string, number][]} */ ([["pointerdown", 0.9], ["pointermove", 0.5], ["pointerup", 0.5], ["pointerleave", 0.5]])) {
      element.dispatchEvent(new PointerEvent(type, { pointerType: "touch", pointerId: 5, clientX: left + share * width, clientY: top + 50, bubbles: true }));
    }
  });
  const step = await readStep(page);
  const [first, last] = [linesOf("fast", "train")[0].step, linesOf("fast", "train").at(-1).step];
  assert.ok(step > first && step < last, `${step}: what was pointed at stays when the finger is lifted`);
  assert.equal(addressOf(page).from, undefined, "a finger that moves does not zoom");
});
