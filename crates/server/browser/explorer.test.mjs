/** The explorer: every control, pointing, playing, editing, links, refusals, and what can be taken along. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import {
  INPUT, KERNEL, OUTPUT, addressOf, cellsOf, chosen, focused, go, grid, lit, settle, shot, site, tabTo, then, values,
} from "./helpers.mjs";

const open = site();

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page @param {RegExp} name */
const field = (page, name) => page.locator("#controls").getByRole("textbox", { name });
/** @param {Page} page @param {RegExp} name */
const choice = (page, name) => page.locator("#controls").getByRole("combobox", { name });
/** @param {Page} page @param {string | RegExp} name */
const button = (page, name) => page.getByRole("button", { name, exact: typeof name === "string" });
/** @param {Page} page */
const headline = (page) => page.getByRole("heading", { name: /→/ }).innerText();
/** @param {Page} page @param {RegExp} name @param {string} value */
const type = (page, name, value) => then(page, async () => {
  await field(page, name).fill(value);
  await field(page, name).press("Enter");
});
/** @param {Page} page @param {RegExp} name @param {string} value */
const choose = (page, name, value) => then(page, () => choice(page, name).selectOption(value));
/** @param {Page} page @param {RegExp} name */
const view = (page, name) => then(page, () => page.getByRole("radio", { name }).click());

/**
 * A mouse that comes to rest, not one that jumps.
 * @param {Page} page
 * @param {import("playwright-core").Locator} place
 */
async function point(page, place) {
  await place.hover();
  const box = await place.boundingBox();
  assert.ok(box);
  await then(page, () => page.mouse.move(box.x + box.width / 2 + 2, box.y + box.height / 2 + 2, { steps: 2 }));
}

test("the page begins with a setting worth looking at", async (t) => {
  const page = await open(t, "/?lang=en");
  assert.match(await page.title(), /Transposed convolution/);
  assert.equal(await headline(page), "TensorFlow: 3x3 → 6x6");
  assert.equal((await cellsOf(grid(page, INPUT))).length, 9);
  assert.equal((await cellsOf(grid(page, KERNEL))).length, 9);
  assert.equal((await cellsOf(grid(page, OUTPUT))).length, 36);
  assert.deepEqual(chosen(await cellsOf(grid(page, OUTPUT))).length, 1, "one cell is explained from the start");
  assert.match(await page.locator("#diagram [role=status]").innerText(), /=/);
  for (const name of [/^Three questions/, /^Setting/, /^How the size/, /dialect/, /^Code/, /^Take it/, /weights/]) {
    assert.ok(await page.getByRole("heading", { name }).first().isVisible(), String(name));
  }
  await shot(page, "explorer");
});

test("every control changes the setting, the picture and the address", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3x3&kernel=3x3&stride=2");
  const is = async (result, words) => {
    assert.equal(await headline(page), result);
    const said = addressOf(page);
    for (const [word, value] of Object.entries(words)) assert.equal(said[word], value, `${word} of ${page.url()}`);
  };
  await is("Definition (no framework): 3x3 → 7x7", { stride: "2" });
  await then(page, () => page.getByRole("radio", { name: "1-D" }).click());
  await is("Definition (no framework): 3 → 7", { input: "3", kernel: "3" });
  await type(page, /^Input/, "4");
  await is("Definition (no framework): 4 → 9", { input: "4" });
  await type(page, /^Kernel/, "4");
  await is("Definition (no framework): 4 → 10", { kernel: "4" });
  await type(page, /^Stride/, "3");
  await is("Definition (no framework): 4 → 13", { stride: "3" });
  await type(page, /^Dilation/, "2");
  await is("Definition (no framework): 4 → 16", { dilation: "2" });
  await choose(page, /^Padding/, "numbers");
  await type(page, /^Padding in numbers/, "1:2");
  await is("Definition (no framework): 4 → 13", { padding: "1:2" });
  await type(page, /^Groups/, "2");
  await is("Definition (no framework): 4 → 13", { groups: "2" });
  await then(page, () => page.getByRole("combobox", { name: /^Group$/ }).selectOption("1"));
  assert.equal(addressOf(page).group, "1");
  // The numbers go on in the second group.
  assert.notEqual((await cellsOf(grid(page, INPUT)))[0]?.value, 1);

  await then(page, () => button(page, "Input: one more").click());
  await is("Definition (no framework): 5 → 16", { input: "5" });
  await then(page, () => button(page, "Stride: one less").click());
  await is("Definition (no framework): 5 → 12", { stride: "2" });
  await then(page, () => field(page, /^Kernel/).press("ArrowDown"));
  await is("Definition (no framework): 5 → 10", { kernel: "3" });

  await go(page, "/?lang=en&dialect=pytorch&input=3&kernel=3&stride=2&padding=1");
  await is("PyTorch: 3 → 5", {});
  await type(page, /^Output padding/, "1");
  await is("PyTorch: 3 → 6", { output_padding: "1" });
  await type(page, /^Output padding/, "");
  await type(page, /^Wanted output/, "6");
  await is("PyTorch: 3 → 6", { output: "6" });
  await then(page, () => page.getByRole("radio", { name: "2-D" }).click());
  await is("PyTorch: 3x3 → 6x6", { input: "3x3", output: "6x6" });
});

test("every dialect can be chosen and has its own fields", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3&kernel=3&stride=2");
  /** @type {[string, string, RegExp[]][]} dialect, its label, fields it has not */
  const dialects = [
    ["tensorflow", "TensorFlow: 3", [/^Output padding/]], ["keras", "Keras: 3", [/^Groups/]], ["pytorch", "PyTorch: 3", []],
    ["onnx", "ONNX: 3", []], ["caffe", "Caffe: 3", [/^Output padding/, /^Wanted output/]],
    ["tflite", "TensorFlow Lite: 3", [/^Dilation/, /^Groups/, /^Output padding/]], ["definition", "Definition (no framework): 3", []],
  ];
  for (const [name, label, lacking] of dialects) {
    await choose(page, /^Dialect/, name);
    assert.equal((await headline(page)).split(" →")[0], label);
    assert.equal(addressOf(page).dialect, name);
    for (const other of [/^Dilation/, /^Groups/, /^Wanted output/, /^Output padding/]) {
      const wanted = lacking.some((one) => String(one) === String(other)) ? 0 : 1;
      assert.equal(await field(page, other).count(), wanted, `${name}: ${other}`);
    }
  }
});

test("the mouse points, and what it leaves rests", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=2&kernel=3&stride=2&x=1,10&w=1,2,3&cell=y:0");
  const [inputs, taps, outputs] = [grid(page, INPUT), grid(page, KERNEL), grid(page, OUTPUT)];
  assert.deepEqual(values(await cellsOf(outputs)), [1, 2, 13, 20, 30]);
  await point(page, outputs.getByRole("gridcell").nth(2));
  assert.deepEqual(lit(await cellsOf(inputs)), [0, 1]);
  assert.deepEqual(lit(await cellsOf(taps)), [0, 2]);
  assert.match(await page.locator("#diagram [role=status]").innerText(), /13[\s\S]*=/);
  assert.equal(addressOf(page).cell, "y:0", "pointing alone does not write the address");
  await point(page, taps.getByRole("gridcell").nth(1));
  assert.deepEqual(lit(await cellsOf(outputs)), [1, 3]);
  await point(page, inputs.getByRole("gridcell").nth(1));
  assert.deepEqual(lit(await cellsOf(outputs)), [2, 3, 4]);
  await point(page, page.getByRole("heading", { level: 1 }));
  assert.deepEqual(lit(await cellsOf(outputs)), [0], "back to the cell that was chosen");
  await then(page, () => outputs.getByRole("gridcell").nth(3).click());
  assert.equal(addressOf(page).cell, "y:3");
  await point(page, page.getByRole("heading", { level: 1 }));
  assert.deepEqual(lit(await cellsOf(outputs)), [3]);
});

test("the keyboard alone points, and says what it found", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=2x2&kernel=3x3&cell=y:0");
  await tabTo(page, /^Output y row 0 column 0/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await settle(page);
  assert.equal(addressOf(page).cell, "y:5");
  assert.match(await focused(page), /^Output y row 1 column 1, value 23, lit$/);
  assert.deepEqual(lit(await cellsOf(grid(page, INPUT))), [0, 1, 2, 3]);
  for (const [key, cell] of [["End", "y:7"], ["Home", "y:4"], ["Control+End", "y:15"], ["ArrowUp", "y:11"], ["ArrowLeft", "y:10"], ["Control+Home", "y:0"]]) {
    await page.keyboard.press(key);
    await settle(page);
    assert.equal(addressOf(page).cell, cell, key);
  }
  assert.equal(await page.locator("#diagram [role=status]").getAttribute("aria-live"), "polite", "the sum is spoken");
});

test("every view has its grids and its words", async (t) => {
  const page = await open(t, "/?lang=en&dialect=pytorch&input=2x2&kernel=3x3&stride=2&padding=1");
  /** @type {[string, RegExp, RegExp[]][]} */
  const views = [
    ["gather", /^Gather/, [INPUT, KERNEL, OUTPUT]], ["scatter", /^Scatter/, [INPUT, KERNEL, /^Uncropped/]],
    ["zero-insertion", /^Zero insertion/, [/zeros between/, /^Flipped kernel/, OUTPUT]], ["crop", /crop/i, [/^Uncropped/, OUTPUT]],
    ["overlap", /^Overlap/, [/^Overlap/, OUTPUT]], ["phases", /^Phases/, [KERNEL, OUTPUT]],
    ["matrix", /^Matrix/, [OUTPUT, /^transpose/, INPUT, /^C, /]], ["forward", /forward/i, [INPUT, OUTPUT, /^Back again/, /^Forward convolution/]],
  ];
  const told = new Set();
  for (const [name, label, grids] of views) {
    await view(page, label);
    assert.equal(addressOf(page).view ?? "gather", name);
    for (const one of grids) assert.ok((await cellsOf(grid(page, one))).length > 1, `${name}: ${one}`);
    assert.ok(await page.getByRole("radio", { name: label }).isChecked());
    told.add(await page.locator(".view-words p").first().innerText());
    await shot(page, `view-${name}`);
  }
  assert.equal(told.size, views.length, "each view says what there is to see");
  // By keyboard: arrows move between the views.
  await page.getByRole("radio", { name: /^Overlap/ }).focus();
  await then(page, () => page.keyboard.press("ArrowRight"));
  assert.equal(addressOf(page).view, "phases");
  await then(page, () => page.keyboard.press("ArrowLeft"));
  assert.equal(addressOf(page).view, "overlap");
});

test("one axis shows where each input puts the kernel", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3&kernel=3&stride=2&view=scatter&cell=x:1");
  const laid = await cellsOf(grid(page, /^Where each input/));
  assert.deepEqual(laid.map(({ text }) => text), [
    "w0", "w1", "w2", "", "", "", "", "", "", "w0", "w1", "w2", "", "", "", "", "", "", "w0", "w1", "w2",
  ]);
  assert.deepEqual(lit(laid), [9, 10, 11]);
});

test("it steps, plays and pauses", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3&kernel=3&stride=2&cell=y:0");
  const now = async () => chosen(await cellsOf(grid(page, OUTPUT)))[0];
  await then(page, () => button(page, "One step on").click());
  assert.equal(await now(), 1);
  await then(page, () => button(page, "One step back").click());
  await then(page, () => button(page, "One step back").click());
  assert.equal(await now(), 6, "round the end");
  const slider = page.getByRole("slider");
  await slider.focus();
  await then(page, () => page.keyboard.press("Home"));
  assert.equal(await now(), 0);
  await then(page, () => page.keyboard.press("ArrowRight"));
  assert.equal(addressOf(page).cell, "y:1");
  assert.match(await page.getByText(/output cell 2 of 7/).innerText(), /2 of 7/);

  await page.getByRole("combobox", { name: /^speed/ }).selectOption("8");
  const length = await page.evaluate(() => history.length);
  await button(page, "Play").click();
  await page.waitForFunction(() => new URL(location.href).searchParams.get("cell") === "y:4");
  await button(page, "Pause").click();
  const stopped = await now();
  await page.waitForTimeout(400);
  assert.equal(await now(), stopped);
  assert.equal(await page.evaluate(() => history.length), length, "a film is not a step back");
  // Pointing at a cell stops the film.
  await button(page, "Play").click();
  await grid(page, OUTPUT).getByRole("gridcell").nth(2).click();
  await button(page, "Play").waitFor();
  assert.equal(await now(), 2);

  await view(page, /^Scatter/);
  assert.match(await page.locator("label[for=step]").innerText(), /input cell 2 of 3/);
});

test("numbers are edited in the grids", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=2&kernel=3&stride=2&x=1,10&w=1,2,3&cell=x:0");
  const outputs = async () => values(await cellsOf(grid(page, OUTPUT)));
  const input = grid(page, INPUT).getByRole("gridcell");
  await input.nth(0).focus();
  await page.keyboard.press("5");
  await then(page, () => page.keyboard.press("Enter"));
  assert.equal(addressOf(page).x, "5,10");
  assert.deepEqual(await outputs(), [5, 10, 25, 20, 30]);
  assert.match(await focused(page), /^Input x cell 0, value 5/, "the focus stays in the grid");

  await page.keyboard.press("Enter");
  await page.keyboard.type("-2.5");
  await page.keyboard.press("Escape");
  assert.deepEqual(await outputs(), [5, 10, 25, 20, 30], "Escape does not keep");
  await page.keyboard.press("Enter");
  await page.keyboard.type("-2.5");
  await then(page, () => page.keyboard.press("Enter"));
  assert.deepEqual(await outputs(), [-2.5, -5, 2.5, 20, 30]);

  // The mouse: once to choose, again to write.
  const tap = grid(page, KERNEL).getByRole("gridcell").nth(2);
  await tap.click();
  await tap.click();
  await page.keyboard.type("many");
  await page.keyboard.press("Enter");
  assert.equal(await tap.getByRole("textbox").getAttribute("aria-invalid"), "true");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("0");
  await then(page, () => page.keyboard.press("Enter"));
  assert.equal(addressOf(page).w, "1,2,0");
  assert.deepEqual(await outputs(), [-2.5, -5, 10, 20, 0]);
  assert.equal(await choice(page, /^Numbers of the kernel/).inputValue(), "numbers");
  await then(page, () => page.goBack());
  assert.deepEqual(await outputs(), [-2.5, -5, 2.5, 20, 30], "an edit can be taken back");
  await type(page, /^Kernel/, "2");
  assert.equal((await cellsOf(grid(page, KERNEL))).length, 2, "numbers of another size are left behind");
});

test("the first click on a cell chooses it, the second opens it", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3&kernel=3&stride=2&cell=y:0");
  const cell = grid(page, INPUT).getByRole("gridcell").nth(1);
  await then(page, () => cell.click());
  assert.equal(await cell.getByRole("textbox").count(), 0);
  assert.equal(addressOf(page).cell, "x:1");
  await then(page, () => cell.click());
  assert.equal(await cell.getByRole("textbox").count(), 1);
});

test("a mouse that moves does not disturb who writes", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3&kernel=3&stride=2&cell=x:0");
  await grid(page, INPUT).getByRole("gridcell").nth(0).focus();
  await page.keyboard.type("1");
  await point(page, grid(page, INPUT).getByRole("gridcell").nth(2));
  await point(page, page.getByRole("heading", { level: 1 }));
  await page.keyboard.type("2");
  await then(page, () => page.keyboard.press("Enter"));
  assert.deepEqual(values(await cellsOf(grid(page, INPUT))), [12, 2, 3]);
  // What was written before a click elsewhere is kept, and the click counts.
  await page.keyboard.type("7");
  await then(page, () => grid(page, OUTPUT).getByRole("gridcell").nth(4).click());
  assert.deepEqual(values(await cellsOf(grid(page, INPUT))), [7, 2, 3]);
  assert.equal(addressOf(page).cell, "y:4");
  assert.match(await focused(page), /^Output y cell 4/);
});

test("input and kernel are filled", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3&kernel=4&stride=2");
  const x = async () => values(await cellsOf(grid(page, INPUT)));
  const w = async () => values(await cellsOf(grid(page, KERNEL)));
  assert.deepEqual([await x(), await w()], [[1, 2, 3], [1, 2, 3, 4]]);
  await choose(page, /^Numbers of the input/, "ones");
  await choose(page, /^Numbers of the kernel/, "ones");
  assert.deepEqual([await x(), await w()], [[1, 1, 1], [1, 1, 1, 1]]);
  await choose(page, /^Numbers of the input/, "impulse");
  assert.deepEqual(await x(), [0, 1, 0]);
  await choose(page, /^Numbers of the kernel/, "bilinear");
  assert.deepEqual(await w(), [0.25, 0.75, 0.75, 0.25]);
  await choose(page, /^Numbers of the input/, "random");
  const drawn = addressOf(page).x;
  assert.match(drawn ?? "", /^random:\d+$/, "a link to chance shows the same numbers again");
  const first = await x();
  await then(page, () => button(page, "draw again").first().click());
  assert.notDeepEqual(await x(), first);
  await then(page, () => page.goBack());
  assert.deepEqual(await x(), first);
});

test("numbers are shown as brightness", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=2x2&kernel=2x2&stride=2&w=ones");
  await then(page, () => page.getByRole("checkbox", { name: /brightness/ }).click());
  assert.equal(addressOf(page).shade, "1");
  const shades = await grid(page, INPUT).getByRole("gridcell").evaluateAll((cells) =>
    cells.map((cell) => Number(/\d+/.exec(getComputedStyle(cell).backgroundColor)?.[0])));
  assert.deepEqual(shades, shades.toSorted((a, b) => a - b), "brighter the larger");
  assert.deepEqual([shades[0], shades[3]], [0, 255]);
});

/** All that a reader sees and hears. @param {Page} page */
function seen(page) {
  return page.evaluate(() => [
    document.title, document.querySelector("main")?.innerText,
    ...[...document.querySelectorAll("[role=gridcell]")].map((cell) => `${cell.className} ${cell.getAttribute("aria-label")}`),
    ...[...document.querySelectorAll("#controls input, #controls select, #views input")].map((entry) =>
      entry instanceof HTMLInputElement || entry instanceof HTMLSelectElement ? `${entry.id} ${entry.value} ${entry instanceof HTMLInputElement && entry.checked}` : ""),
  ]);
}

test("a shared link shows the same page", async (t) => {
  const page = await open(t, "/?lang=en");
  await choose(page, /^Dialect/, "onnx");
  await choose(page, /^Padding/, "same_lower");
  await type(page, /^Input/, "2x3");
  await choose(page, /^Numbers of the kernel/, "random");
  await view(page, /^Zero insertion/);
  await then(page, () => grid(page, OUTPUT).getByRole("gridcell").nth(7).click());
  await point(page, page.getByRole("heading", { level: 1 }));
  const shared = new URL(page.url());
  const there = await open(t, shared.pathname + shared.search);
  assert.deepEqual(await seen(there), await seen(page));
  assert.deepEqual(chosen(await cellsOf(grid(there, OUTPUT))), [7]);
  assert.equal(there.url(), page.url());
});

test("back and forward go through the changes, not through the pointing", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3&kernel=3&stride=2");
  await type(page, /^Kernel/, "4");
  await then(page, () => grid(page, OUTPUT).getByRole("gridcell").nth(1).click());
  await then(page, () => grid(page, OUTPUT).getByRole("gridcell").nth(2).click());
  await view(page, /^Overlap/);
  await then(page, () => page.goBack());
  assert.deepEqual([addressOf(page).view, await headline(page)], ["gather", "Definition (no framework): 3 → 8"]);
  assert.deepEqual(chosen(await cellsOf(grid(page, OUTPUT))), [2]);
  await then(page, () => page.goBack());
  assert.equal(await headline(page), "Definition (no framework): 3 → 7");
  assert.equal(await field(page, /^Kernel/).inputValue(), "3");
  await then(page, () => page.goForward());
  await then(page, () => page.goForward());
  assert.equal(await headline(page), "Definition (no framework): 3 → 8");
  assert.ok(await grid(page, /^Overlap/).isVisible());
});

test("all legal sizes are buttons", async (t) => {
  const page = await open(t, "/?lang=en&dialect=tensorflow&input=3&kernel=3&stride=2&padding=same");
  const sizes = page.locator("#sizes").getByRole("button");
  assert.deepEqual(await sizes.allInnerTexts(), ["5", "6"]);
  await then(page, () => sizes.filter({ hasText: "5" }).click());
  assert.equal(await headline(page), "TensorFlow: 3 → 5");
  assert.equal(await sizes.filter({ hasText: "5" }).getAttribute("aria-pressed"), "true");
  assert.match(await page.locator("#derivation").innerText(), /3[\s\S]*5/);
  await go(page, "/?lang=en&dialect=pytorch&input=3x3&kernel=3x3&stride=2&padding=1");
  assert.deepEqual(await sizes.allInnerTexts(), ["5x5", "5x6", "6x5", "6x6"]);
  await then(page, () => sizes.filter({ hasText: "6x5" }).click());
  assert.equal(await headline(page), "PyTorch: 3x3 → 6x5");
  await go(page, "/?lang=en&dialect=definition&input=3&kernel=3&stride=1");
  assert.ok((await sizes.count()) <= 1, "stride 1 leaves nothing to choose");
});

test("an empty wanted output counts from the size that is shown", async (t) => {
  const page = await open(t, "/?lang=en&dialect=tensorflow&input=3&kernel=3&stride=2&padding=same");
  assert.equal(await headline(page), "TensorFlow: 3 → 6");
  await then(page, () => button(page, "Wanted output: one less").click());
  assert.equal(addressOf(page).output, "5");
  assert.equal(await headline(page), "TensorFlow: 3 → 5");
});

test("a size that is not legal is refused, with the legal ones to press", async (t) => {
  const page = await open(t, "/?lang=en&dialect=tensorflow&input=3&kernel=3&stride=2&padding=same&output=5", { refusals: true });
  await type(page, /^Wanted output/, "9");
  const wanted = field(page, /^Wanted output/);
  assert.equal(await wanted.getAttribute("aria-invalid"), "true");
  const message = page.locator("#controls .error");
  assert.match(await message.innerText(), /9 is not legal/);
  assert.equal(await wanted.getAttribute("aria-describedby"), await message.getAttribute("id"));
  assert.ok(await page.getByRole("alert").getByText(/9 is not legal/).isVisible(), "it is also said at the picture");
  assert.deepEqual((await cellsOf(grid(page, OUTPUT))).length, 5, "the last good picture stays");
  assert.ok(Number(await page.locator("#diagram").evaluate((picture) => getComputedStyle(picture).opacity)) < 1, "dimmed");
  assert.equal(addressOf(page).output, "9", "a link to the refusal shows the refusal");
  await shot(page, "refused");
  await then(page, () => message.getByRole("button", { name: "6", exact: true }).click());
  assert.equal(await headline(page), "TensorFlow: 3 → 6");
  assert.equal(await page.locator("#controls .error").count(), 0);
  assert.equal(await wanted.getAttribute("aria-invalid"), null);
  assert.equal(Number(await page.locator("#diagram").evaluate((picture) => getComputedStyle(picture).opacity)), 1);
});

test("a padding that a dialect has not is refused, with settings that reach the size", async (t) => {
  const page = await open(t, "/?lang=en&dialect=tensorflow&input=3&kernel=3&stride=2&padding=same", { refusals: true });
  await choose(page, /^Dialect/, "pytorch");
  const message = page.locator("#controls .error");
  assert.match(await message.innerText(), /pytorch has no padding "same"/);
  const offers = message.getByRole("button");
  assert.match((await offers.allInnerTexts()).join(" | "), /leave it out.*Kernel/);
  await then(page, () => offers.filter({ hasText: "Kernel" }).first().click());
  assert.equal(await headline(page), "PyTorch: 3 → 6");
});

test("whatever else is wrong is said at its field", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3&kernel=3", { refusals: true });
  for (const [name, value] of /** @type {[RegExp, string][]} */ ([
    [/^Input/, "three"], [/^Kernel/, "0"], [/^Stride/, "0"], [/^Dilation/, "x"], [/^Groups/, "0"],
  ])) {
    const before = await field(page, name).inputValue();
    await type(page, name, value);
    assert.equal(await field(page, name).getAttribute("aria-invalid"), "true", `${name} ${value}`);
    assert.ok(await page.locator("#controls .error").isVisible(), `${name} ${value}`);
    await type(page, name, before);
    assert.equal(await page.locator("#controls .error").count(), 0, `${name} ${before}`);
  }
});

test("a setting too large to draw still has its size and its code", async (t) => {
  const page = await open(t, "/?lang=en&dialect=pytorch&input=500x500&kernel=4x4&stride=2&padding=1", { refusals: true });
  assert.equal(await headline(page), "PyTorch: 500x500 → 1000x1000");
  assert.ok(await page.getByRole("alert").locator(".error").isVisible());
  assert.match(await page.getByRole("tabpanel").innerText(), /\S/);
  await go(page, "/?lang=en&dialect=pytorch&input=12x12&kernel=4x4&stride=2&padding=1&view=matrix");
  assert.match(await page.locator("#diagram").innerText(), /matrix is too large/);
});

test("a link that says nonsense is told so", async (t) => {
  const page = await open(t, "/?lang=en&dialect=nothing&input=3&kernel=3&view=sideways&cell=q:9&group=-4", { refusals: true });
  assert.ok(await page.getByRole("alert").locator(".error").isVisible());
  await go(page, "/?lang=en&dialect=pytorch&input=3&kernel=3&view=sideways&cell=y:999&group=7");
  assert.equal(await headline(page), "PyTorch: 3 → 5");
  assert.deepEqual(chosen(await cellsOf(grid(page, OUTPUT))), [4], "the last cell where there is no such cell");
});

test("a name that the server knows too is the name of the list", async (t) => {
  const page = await open(t, "/?lang=en&dialect=torch&input=3&kernel=3");
  assert.equal(await headline(page), "PyTorch: 3 → 5");
  assert.equal(await choice(page, /^Dialect/).inputValue(), "pytorch");
  assert.equal(await page.locator("#dialects tr[aria-current=true]").count(), 1);
});

test("a server that cannot be reached is said, and asked again", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3&kernel=3&stride=2", { refusals: true });
  await page.route("**/api/v1/**", (route) => route.abort());
  await type(page, /^Kernel/, "4");
  assert.match(await page.getByRole("alert").innerText(), /server cannot be reached/);
  await page.unroute("**/api/v1/**");
  await type(page, /^Kernel/, "5");
  assert.equal(await headline(page), "Definition (no framework): 3 → 9");
  assert.equal(await page.getByRole("alert").innerText(), "");
});

test("all dialects stand side by side, and the trap is said", async (t) => {
  const page = await open(t, "/?lang=en&dialect=tensorflow&input=3&kernel=3&stride=2&output=6");
  const table = page.locator("#dialects").getByRole("table");
  /** @param {string} name */
  const row = (name) => table.getByRole("row").filter({ has: page.getByRole("button", { name, exact: true }) });
  assert.equal(await table.getByRole("row").count(), 8);
  assert.equal(await row("TensorFlow").getAttribute("aria-current"), "true");
  // The same size from another window: nothing but the values would tell.
  assert.deepEqual(await row("TensorFlow").getByRole("cell").allInnerTexts(), ["6", "0", "1"]);
  assert.deepEqual(await row("ONNX").getByRole("cell").allInnerTexts(), ["6", "≠ 1", "0"]);
  assert.match(await row("PyTorch").innerText(), /≠ refused: .*6 is out of range/);
  assert.match(await page.locator("#dialects").innerText(), /The trap: .*another window/);
  await then(page, () => table.getByRole("button", { name: "ONNX" }).click());
  assert.equal(await headline(page), "ONNX: 3 → 6");
  assert.equal(await row("ONNX").getAttribute("aria-current"), "true");
  assert.match(await focused(page), /ONNX/, "the focus stays in the table");

  await go(page, "/?lang=en&dialect=pytorch&input=3&kernel=3&stride=2");
  assert.deepEqual(await row("TensorFlow").getByRole("cell").allInnerTexts(), ["≠ 6", "0", "1"]);
  assert.deepEqual(await row("PyTorch").getByRole("cell").allInnerTexts(), ["7", "0", "0"]);
});

test("the code of every framework is a tab", async (t) => {
  const page = await open(t, "/?lang=en&dialect=pytorch&input=3x3&kernel=3x3&stride=2&padding=1&output_padding=1");
  const panel = page.getByRole("tabpanel");
  /** @type {[string, RegExp][]} */
  const tabs = [
    ["TensorFlow", /conv2d_transpose/], ["Keras", /Conv2DTranspose/], ["PyTorch", /ConvTranspose2d/], ["ONNX", /"ConvTranspose"/], ["upconv (Rust)", /ConvTransposePlan/],
  ];
  for (const [name, text] of tabs) {
    await page.getByRole("tab", { name, exact: true }).click();
    assert.match(await panel.innerText(), text);
    assert.equal(await page.getByRole("tab", { selected: true }).innerText(), name);
  }
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(page), "TensorFlow");
  assert.match(await panel.innerText(), /conv2d_transpose/);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await button(page, "Copy").click();
  await page.getByText(/^copied/).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await panel.textContent());
});

test("pictures, code and the link are taken along", async (t) => {
  const page = await open(t, "/?lang=en&dialect=tensorflow&input=2x2&kernel=3x3&stride=2&view=overlap");
  /** @type {[string, RegExp, RegExp][]} button, name of the file, how it begins */
  const files = [
    ["SVG", /\.svg$/, /^<svg /], ["GIF", /\.gif$/, /^GIF89a/], ["PNG", /\.png$/, /^\x89PNG\r\n\x1a\n/], ["HTML", /\.html$/, /^<!doctype html>/i],
    ["Code", /\.py$/, /conv2d_transpose/],
  ];
  for (const [name, file, begins] of files) {
    const [download] = await Promise.all([page.waitForEvent("download"), button(page, name).click()]);
    assert.match(download.suggestedFilename(), file);
    const bytes = await readFile(await download.path());
    assert.match(bytes.subarray(0, 400).toString("latin1"), begins, name);
    assert.ok(bytes.length > 100, name);
    await settle(page);
  }
  for (const name of [/^Matrix/, /^Scatter/, /crop/i, /^Phases/, /^Zero/, /forward/i]) {
    await view(page, name);
    const [download] = await Promise.all([page.waitForEvent("download"), button(page, "SVG").click()]);
    assert.match((await readFile(await download.path())).toString(), /^<svg [\s\S]*<\/svg>\s*$/, String(name));
  }
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await button(page, "Copy the link").click();
  await page.getByText(/^copied/).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url());
});

test("the theme is kept from page to page", async (t) => {
  const page = await open(t, "/?lang=en");
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.getByRole("combobox", { name: "Theme" }).selectOption("dark");
  const dark = await paper();
  assert.notEqual(dark, light);
  await go(page, "/lessons/?lang=en");
  assert.equal(await paper(), dark);
  await page.getByRole("combobox", { name: "Theme" }).selectOption("light");
  assert.equal(await paper(), light);
});

test("quick changes end with the last one", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3&kernel=3&stride=2");
  // The first answer comes late: it must not overwrite the second.
  let first = true;
  await page.route("**/api/v1/trace?**", async (route) => {
    if (first) {
      first = false;
      await new Promise((done) => setTimeout(done, 500));
    }
    await route.continue().catch(() => {});
  });
  await field(page, /^Kernel/).fill("5");
  await field(page, /^Kernel/).press("Enter");
  await field(page, /^Kernel/).fill("4");
  await field(page, /^Kernel/).press("Enter");
  await page.waitForTimeout(700);
  await settle(page);
  assert.equal(await headline(page), "Definition (no framework): 3 → 8");
  assert.equal((await cellsOf(grid(page, KERNEL))).length, 4);
});
