/** For everyone: axe-core, the keyboard alone, a phone, and a slow line. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { OUTPUT, PHONE, addressOf, cellsOf, focused, go, grid, settle, shot, site, tabTo, then } from "./helpers.mjs";

const open = site();
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SERIOUS = ["serious", "critical"];
const MOST_BYTES = 200_000;

const LESSONS = ["deconvolution", "there-and-back", "size-not-values", "chessboard", "same", "upsampling", "fcn"];
const PAGES = ["/", "/lessons/", ...LESSONS.map((name) => `/lessons/${name}.html`)];
/** States of the explorer with parts of their own. */
const STATES = [
  "/?dialect=tensorflow&input=3&kernel=3&stride=2&padding=same&output=9&lang=zh",
  "/?dialect=pytorch&input=3x3&kernel=3x3&stride=2&padding=same",
  "/?dialect=pytorch&input=4x4&kernel=3x3&stride=2&padding=1&view=overlap",
  "/?dialect=onnx&input=3x3&kernel=3x3&stride=3&groups=2&view=phases&lang=zh",
  "/?dialect=definition&input=2x2&kernel=3x3&view=matrix",
  "/?dialect=definition&input=3&kernel=3&stride=2&view=scatter",
  "/?dialect=definition&input=3x3&kernel=3x3&stride=2&view=zero-insertion&cell=y:8",
  "/?dialect=pytorch&input=3x3&kernel=3x3&stride=2&padding=1&view=crop",
  "/?dialect=definition&input=4x4&kernel=2x2&stride=2&shade=1&view=forward",
];

/** @typedef {import("playwright-core").Page} Page */

/**
 * What axe-core finds serious. In the dark only the colours are new.
 * @param {Page} page
 * @param {"light" | "dark"} theme
 */
async function faults(page, theme) {
  // Colours that fade from one theme to the other would be measured half way.
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  await settle(page);
  const { violations } = await page.evaluate((how) => Reflect.get(window, "axe").run(document, how), {
    resultTypes: ["violations"], ...(theme === "dark" ? { runOnly: ["color-contrast", "link-in-text-block"] } : {}),
  });
  return violations.filter(({ impact }) => SERIOUS.includes(impact)).map(({ id, nodes }) =>
    `${theme}: ${id} at ${nodes.slice(0, 3).map(({ target, failureSummary }) => `${target} (${failureSummary})`).join(", ")}`);
}

for (const path of [...PAGES, ...STATES]) {
  test(`axe-core finds nothing serious on ${path}`, async (t) => {
    const page = await open(t, path, { refusals: true, script: AXE });
    assert.deepEqual([...await faults(page, "light"), ...await faults(page, "dark")], []);
  });
}

for (const path of [...PAGES, "/models/", "/runs/"]) {
  test(`the first paint of ${path} is small`, async (t) => {
    const loaded = { files: 0, bytes: 0 };
    const page = await open(t, path, {
      prepare: async (blank) => {
        const session = await blank.context().newCDPSession(blank);
        await session.send("Network.enable");
        /** What is not part of the first paint: pictures that the page asks for once it stands. @type {Set<string>} */
        const later = new Set();
        session.on("Network.requestWillBeSent", ({ requestId, request }) => {
          if (request.url.includes("/api/v1/loss")) later.add(requestId);
        });
        session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
          if (later.has(requestId)) return;
          loaded.files += 1;
          loaded.bytes += encodedDataLength;
        });
      },
    });
    const painted = await page.evaluate(() => Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1));
    t.diagnostic(`${path}: ${loaded.bytes} bytes in ${loaded.files} files, first paint after ${painted} ms`);
    assert.ok(loaded.files > 5 && loaded.bytes < MOST_BYTES, `${loaded.bytes} bytes`);
    assert.ok(painted > 0);
  });
}

test("nothing is wider than a phone", async (t) => {
  const page = await open(t, "/", { viewport: PHONE, refusals: true });
  for (const path of [...PAGES, ...STATES, "/?dialect=pytorch&input=24x24&kernel=4x4&stride=2"]) {
    await go(page, path);
    const { width, wide } = await page.evaluate(() => ({
      width: document.documentElement.scrollWidth,
      // Which elements stick out, for whoever reads the failure.
      wide: [...document.querySelectorAll("main *")].filter((element) =>
        element.getBoundingClientRect().right > innerWidth && !element.closest(".scroll, pre")).slice(0, 5).map((element) => element.outerHTML.slice(0, 80)),
    }));
    assert.ok(width <= PHONE.width, `${path}: ${width} pixels; ${wide.join("; ")}`);
  }
});

test("on a phone a finger points", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=2x2&kernel=3x3&cell=y:0", { viewport: PHONE });
  assert.ok(await grid(page, OUTPUT).isVisible());
  await page.getByText("Setting", { exact: true }).click();
  assert.ok(await page.getByRole("combobox", { name: /^Dialect/ }).isVisible());
  const cell = grid(page, OUTPUT).getByRole("gridcell").nth(5);
  const box = await cell.boundingBox();
  assert.ok(box && box.width >= 24 && box.height >= 24, "a cell is large enough for a finger");
  await then(page, () => cell.click());
  assert.equal(addressOf(page).cell, "y:5");
});

test("in five minutes, by keyboard alone: why 3 becomes 5 or 6, and why a chessboard", async (t) => {
  const page = await open(t, "/?lang=en", { refusals: true });
  const press = (key) => then(page, () => page.keyboard.press(key));
  const headline = () => page.getByRole("heading", { name: /→/ }).innerText();
  const told = () => page.locator("#tour .told").innerText();

  // The first press of Tab offers to skip the head of the page.
  await page.keyboard.press("Tab");
  assert.match(await focused(page), /^Skip to the content/);

  await tabTo(page, /Why can 3 become 5 or 6/, 20);
  await press("Enter");
  assert.equal(await headline(), "TensorFlow: 3 → 5");
  assert.match(await told(), /5 as well as 6 cells down to 3/);
  assert.match(await focused(page), /Why can 3 become 5 or 6/, "the focus stays at what was pressed");
  // Three kernels two cells apart: 7 cells, of which 5 are kept.
  const uncropped = await cellsOf(grid(page, /^Uncropped/));
  assert.equal(uncropped.length, 7);
  assert.equal(uncropped.filter(({ mark }) => mark === "×").length, 2);
  await shot(page, "tour-sizes");
  await tabTo(page, /^keep 6$/, 6);
  await press("Enter");
  assert.equal(await headline(), "TensorFlow: 3 → 6");
  assert.equal((await cellsOf(grid(page, /^Uncropped/))).filter(({ mark }) => mark === "×").length, 1);
  assert.deepEqual(await page.locator("#sizes").getByRole("button").allInnerTexts(), ["5", "6"]);
  assert.match(await page.locator("#derivation").innerText(), /legal sizes: 5, 6/);
  await tabTo(page, /^ask for 9$/, 3);
  await press("Enter");
  assert.match(await page.getByRole("alert").innerText(), /only 5 or 6 would come back to the input size 3/);
  await tabTo(page, /^5$/, 40);
  await press("Enter");
  assert.equal(await headline(), "TensorFlow: 3 → 5");

  await page.getByRole("link", { name: "Skip to the content" }).focus();
  await press("Enter");
  await tabTo(page, /3x3 kernel with stride 2 draw a chessboard/, 6);
  await press("Enter");
  assert.match(await told(), /1, 2 or 4 products by turns/);
  const counts = async () => (await cellsOf(grid(page, /^Overlap/))).map(({ text }) => Number(text));
  assert.deepEqual([...new Set(await counts())].toSorted(), [1, 2, 4]);
  const numbers = (await cellsOf(grid(page, OUTPUT))).map(({ value }) => value);
  assert.deepEqual(numbers, await counts(), "of ones the output is the overlap");
  await shot(page, "tour-chessboard");
  await tabTo(page, /^kernel 4x4$/, 6);
  await press("Enter");
  const now = await counts();
  const side = Math.sqrt(now.length);
  const inside = now.filter((_, at) => [Math.floor(at / side), at % side].every((place) => place > 0 && place < side - 1));
  assert.deepEqual([...new Set(inside)], [4], "even away from the border");
  await tabTo(page, /^see the phases$/, 3);
  await press("Enter");
  assert.equal(addressOf(page).view, "phases");

  await page.getByRole("link", { name: "Skip to the content" }).focus();
  await press("Enter");
  await tabTo(page, /bring the values back/, 6);
  await press("Enter");
  assert.match(await told(), /not its inverse/);
  assert.ok(await grid(page, /^Forward convolution of y/).isVisible());
  await shot(page, "tour-values");
});

test("everything that can be pressed is reached by Tab, and shows that it is focused", async (t) => {
  const page = await open(t, "/?lang=en&dialect=pytorch&input=2&kernel=3&stride=2");
  const wanted = await page.evaluate(() => [...document.querySelectorAll("a[href], button, select, summary, input")].filter((element) =>
    element instanceof HTMLElement && element.checkVisibility({ visibilityProperty: true }) && element.tabIndex >= 0
      && !(element instanceof HTMLInputElement && element.type === "radio" && !element.checked)).length);
  const reached = new Set();
  for (let press = 0; press < 150; press += 1) {
    await page.keyboard.press("Tab");
    const now = await page.evaluate(() => {
      const element = document.activeElement;
      if (!(element instanceof HTMLElement) || element === document.body) return null;
      element.dataset.reached ??= String(Math.random());
      // A pill's input is transparent: its frame is drawn around the text beside it.
      const seen = element.matches(".pills input") ? element.nextElementSibling : element;
      const { outlineStyle } = getComputedStyle(seen ?? element);
      return { id: element.dataset.reached, kind: element.tagName, outline: outlineStyle, html: element.outerHTML.slice(0, 90) };
    });
    if (!now || reached.has(now.id)) break;
    if (["A", "BUTTON", "SELECT", "SUMMARY", "INPUT"].includes(now.kind)) reached.add(now.id);
    assert.notEqual(now.outline, "none", `no frame at ${now.html}`);
  }
  assert.ok(reached.size >= wanted, `${reached.size} of ${wanted}`);
});

test("a screen reader hears what the eye sees", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=2x2&kernel=3x3&stride=2&cell=y:12");
  const output = grid(page, OUTPUT);
  assert.equal(await output.getAttribute("aria-rowcount"), "5");
  assert.equal(await output.getByRole("row").count(), 5);
  const cells = await cellsOf(output);
  assert.match(cells[12]?.label ?? "", /^Output y row 2 column 2, value -?[\d.]+, lit$/);
  assert.ok(cells.every(({ text, value }) => Number(text) === value));
  for (const [view, name, words] of /** @type {[string, RegExp, RegExp][]} */ ([
    ["crop", /^Uncropped/, /(kept|cropped)$/], ["overlap", /^Overlap/, /\d+ products?/], ["phases", OUTPUT, /phase [A-D]$/],
    ["zero-insertion", /zeros between/, /(value|put between)/], ["matrix", /^C, /, /(value|zero)/],
  ])) {
    await go(page, `/?lang=en&dialect=definition&input=2x2&kernel=3x3&stride=2&view=${view}`);
    for (const { label } of await cellsOf(grid(page, name))) assert.match(label, words);
  }
});

test("who wants no motion and high contrast still sees what is lit", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=2&kernel=3&stride=2&cell=y:2");
  await page.emulateMedia({ reducedMotion: "reduce", forcedColors: "active" });
  await settle(page);
  const widths = await grid(page, OUTPUT).getByRole("gridcell").evaluateAll((cells) => cells.map((cell) => getComputedStyle(cell).borderTopWidth));
  assert.deepEqual(widths, ["1px", "1px", "3px", "1px", "1px"], "colour is not the only sign");
});
