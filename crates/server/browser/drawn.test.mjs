/** What is drawn against a loop of our own: no figure on the page is made up. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, INPUT, KERNEL, OUTPUT, cellsOf, go, grid, lit, shot, site, values } from "./helpers.mjs";
import { convolution, count, transposedConvolution } from "./reference.mjs";

const open = site();

/** Every dialect; one axis and two; strides, dilations, groups, and every way to say padding. */
const SETTINGS = [
  "dialect=definition&input=3&kernel=3&stride=2",
  "dialect=definition&input=5&kernel=2&stride=3",
  "dialect=definition&input=4&kernel=3&stride=2&dilation=2",
  "dialect=definition&input=2x2&kernel=3x3",
  "dialect=definition&input=3x2&kernel=2x4&stride=3x1",
  "dialect=definition&input=6&kernel=5&stride=2&padding=1:2",
  "dialect=tensorflow&input=3&kernel=3&stride=2&padding=same&output=5",
  "dialect=tensorflow&input=3&kernel=3&stride=2&padding=same&output=6",
  "dialect=tensorflow&input=3x3&kernel=3x3&stride=2&padding=same&output=5x6",
  "dialect=tensorflow&input=4&kernel=4&stride=3&padding=valid",
  "dialect=tensorflow&input=3&kernel=2&stride=4&padding=same",
  "dialect=tensorflow&input=3x4&kernel=3x2&stride=1x2&padding=valid",
  "dialect=tensorflow&input=3&kernel=3&stride=2&groups=2",
  "dialect=keras&input=3&kernel=3&stride=2&padding=same",
  "dialect=keras&input=3x3&kernel=4x4&stride=2&padding=valid",
  "dialect=keras&input=4&kernel=3&stride=2&padding=same&output_padding=0",
  "dialect=keras&input=3&kernel=2&stride=3&padding=same",
  "dialect=pytorch&input=4x4&kernel=3x3&stride=2&padding=1",
  "dialect=pytorch&input=4x4&kernel=3x3&stride=2&padding=1&output_padding=1",
  "dialect=pytorch&input=3x5&kernel=5x3&stride=2x3&padding=2x0",
  "dialect=pytorch&input=4&kernel=3&stride=3&dilation=2&padding=2",
  "dialect=pytorch&input=4x3&kernel=4x4&stride=2&padding=1&groups=3",
  "dialect=pytorch&input=5&kernel=3&stride=2&padding=1&output=10",
  "dialect=pytorch&input=2x2&kernel=3x3&stride=4",
  "dialect=onnx&input=3&kernel=3&stride=2&padding=same_upper",
  "dialect=onnx&input=3&kernel=3&stride=2&padding=same_lower",
  "dialect=onnx&input=3x3&kernel=3x3&stride=2&padding=0:1,1:0",
  "dialect=onnx&input=3x3&kernel=2x3&stride=2&dilation=2&groups=2",
  "dialect=onnx&input=4&kernel=4&stride=3&output_padding=1",
  "dialect=caffe&input=5&kernel=4&stride=2&padding=1",
  "dialect=caffe&input=3x3&kernel=3x3&stride=2&padding=1&dilation=2",
  "dialect=caffe&input=4x4&kernel=2x2&stride=2&groups=4",
  "dialect=tflite&input=3x3&kernel=3x3&stride=2&padding=same&output=6x5",
  "dialect=tflite&input=4&kernel=3&stride=3&padding=valid",
  "dialect=tflite&input=3&kernel=2&stride=3&padding=same",
];

/**
 * Numbers that differ in every cell, with signs and halves.
 * @param {number} length
 * @param {number} step
 */
function numbers(length, step) {
  return Array.from({ length }, (_, at) => ((at * step) % 17) / 2 - 3);
}

/**
 * The setting's numbers, and what the loop makes of them. Of the server only the place of the window and its size.
 * @param {string} setting
 */
async function expected(setting) {
  const answer = await fetch(`${BASE}/api/v1/explain?${setting}`);
  const explanation = await answer.json();
  assert.equal(answer.status, 200, `${setting}: ${JSON.stringify(explanation)}`);
  const words = new URLSearchParams(setting);
  const sides = (word) => (words.get(word) ?? "1").split("x").map(Number);
  const along = (word, axis) => sides(word)[axis] ?? sides(word)[0];
  const axes = sides("input").map((input, axis) => ({
    input,
    kernel: along("kernel", axis),
    stride: along("stride", axis),
    dilation: along("dilation", axis),
    begin: explanation.axes[axis].window_begin,
    output: explanation.output[axis],
  }));
  const groups = Number(words.get("groups") ?? 1);
  const [inputs, taps] = [count(axes.map((axis) => axis.input)), count(axes.map((axis) => axis.kernel))];
  const [x, w] = [numbers(inputs * groups, 5), numbers(taps * groups, 7)];
  const planes = Array.from({ length: groups }, (_, group) => {
    const part = { x: x.slice(group * inputs, group * inputs + inputs), w: w.slice(group * taps, group * taps + taps) };
    return { ...part, ...transposedConvolution(axes, part.x, part.w) };
  });
  return { axes, planes, address: `/?lang=en&${setting}&x=${x.join(",")}&w=${w.join(",")}` };
}

/**
 * The numbers of a grid: what is heard is exact, and what is seen is that, rounded to the places that are seen.
 * @param {import("./helpers.mjs").Cell[]} cells
 * @param {number[]} numbers
 * @param {string} what
 */
function assertNumbers(cells, numbers, what) {
  assert.deepEqual(values(cells), numbers, what);
  cells.forEach(({ text }, at) => {
    const places = text.split(".")[1]?.length ?? 0;
    assert.ok(Math.abs(Number(text) - numbers[at]) <= 0.500001 * 10 ** -places, `${what}: cell ${at} shows ${text} for ${numbers[at]}`);
  });
}

/** @param {[number, number][]} pairs @param {0 | 1} side */
const distinct = (pairs, side) => [...new Set(pairs.map((pair) => pair[side]))].sort((a, b) => a - b);

/** Cells at both ends and between. @param {number} cells */
const someOf = (cells) => [...new Set([0, Math.floor(cells / 2), cells - 1])];

test("every output is the sum of its contributors, and they are lit", async (t) => {
  const page = await open(t, "/?lang=en");
  for (const setting of SETTINGS) {
    const { planes, address } = await expected(setting);
    const group = planes.length - 1;
    const { x, w, y, contributors } = planes[group];
    await go(page, `${address}&view=gather&group=${group}`);
    const [inputs, taps, outputs] = [grid(page, INPUT), grid(page, KERNEL), grid(page, OUTPUT)];
    assertNumbers(await cellsOf(inputs), x, `${setting}: input`);
    assertNumbers(await cellsOf(taps), w, `${setting}: kernel`);
    assertNumbers(await cellsOf(outputs), y, `${setting}: output`);
    for (const cell of someOf(y.length)) {
      await outputs.getByRole("gridcell").nth(cell).click();
      const pairs = contributors[cell];
      const where = `${setting}: output ${cell}`;
      assert.deepEqual(lit(await cellsOf(inputs)), distinct(pairs, 0), `${where}: inputs`);
      assert.deepEqual(lit(await cellsOf(taps)), distinct(pairs, 1), `${where}: taps`);
      assert.deepEqual(lit(await cellsOf(outputs)), [cell], where);
    }
  }
});

test("the sum in words names every product", async (t) => {
  const page = await open(t, "/?lang=en");
  const { planes: [{ x, w, y, contributors }], address } = await expected("dialect=pytorch&input=4x4&kernel=3x3&stride=2&padding=1");
  for (const cell of [0, 8, 24]) {
    await go(page, `${address}&view=gather&cell=y:${cell}`);
    const line = page.locator("#diagram [role=status]");
    const said = (await line.innerText()).replaceAll("\u2212", "-").replaceAll(/\s+/g, " ");
    const products = contributors[cell].map(([i, j]) => x[i] * w[j]);
    assert.equal(await line.locator(".product").count(), products.length, said);
    assert.ok(said.startsWith(String(y[cell])), said);
    // A single product is not summed once more.
    if (products.length > 1) {
      const sum = products.map((product) => (product < 0 ? `(${product})` : String(product)));
      const written = said.slice(said.lastIndexOf("=") + 1).trim().split(" + ");
      assert.deepEqual(written.toSorted(), sum.toSorted(), said);
    }
  }
});

test("an input is put down where the loop puts it", async (t) => {
  const page = await open(t, "/?lang=en");
  for (const setting of [
    "dialect=tensorflow&input=3x3&kernel=3x3&stride=2&padding=same&output=5x5",
    "dialect=pytorch&input=3x4&kernel=3x3&stride=3x2&padding=1", "dialect=definition&input=2x2&kernel=2x2&dilation=2",
    "dialect=onnx&input=4&kernel=3&stride=2&padding=1:0",
  ]) {
    const { axes, planes: [{ x, w }], address } = await expected(setting);
    const whole = axes.map((axis) => ({ ...axis, begin: 0, output: (axis.input - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1 }));
    const { y, contributors } = transposedConvolution(whole, x, w);
    await go(page, `${address}&view=scatter`);
    const uncropped = grid(page, /^Uncropped/);
    assertNumbers(await cellsOf(uncropped), y, `${setting}: uncropped`);
    for (const cell of someOf(x.length)) {
      await grid(page, INPUT).getByRole("gridcell").nth(cell).click();
      const reached = contributors.flatMap((pairs, at) => (pairs.some(([i]) => i === cell) ? [at] : []));
      assert.deepEqual(lit(await cellsOf(uncropped)), reached, `${setting}: input ${cell}`);
    }
    const cropped = (await cellsOf(uncropped)).flatMap(({ mark }, at) => (mark === "×" ? [] : [at]));
    assert.equal(cropped.length, count(axes.map((axis) => axis.output)), `${setting}: the window`);
  }
});

test("the overlap is the number of contributors", async (t) => {
  const page = await open(t, "/?lang=en");
  for (const setting of [
    "dialect=pytorch&input=4x4&kernel=3x3&stride=2&padding=1", "dialect=pytorch&input=4x4&kernel=4x4&stride=2&padding=1",
    "dialect=definition&input=3x3&kernel=2x2&stride=3", "dialect=keras&input=5&kernel=5&stride=2&padding=same",
  ]) {
    const { planes: [{ contributors }], address } = await expected(setting);
    await go(page, `${address}&view=overlap`);
    const counts = (await cellsOf(grid(page, /^Overlap/))).map(({ text }) => Number(text));
    assert.deepEqual(counts, contributors.map((pairs) => pairs.length), setting);
  }
});

test("outputs of one phase have the same taps inside", async (t) => {
  const page = await open(t, "/?lang=en");
  const { axes, planes: [{ contributors }], address } = await expected("dialect=pytorch&input=5x5&kernel=3x3&stride=2&padding=1");
  await go(page, `${address}&view=phases`);
  const letters = (await cellsOf(grid(page, OUTPUT))).map(({ mark }) => mark);
  const phases = new Map();
  const side = axes[1].output;
  letters.forEach((letter, cell) => {
    const [row, column] = [Math.floor(cell / side), cell % side];
    if (![row, column].every((at) => at >= 2 && at < side - 2)) return;
    const taps = String(distinct(contributors[cell], 1));
    assert.equal(phases.get(letter) ?? taps, taps, `cell ${cell} of phase ${letter}`);
    phases.set(letter, taps);
  });
  assert.equal(phases.size, 4);
  assert.equal(new Set(phases.values()).size, 4);
});

test("the forward convolution beside it is that of the loop", async (t) => {
  const page = await open(t, "/?lang=en");
  for (const setting of ["dialect=pytorch&input=2x2&kernel=3x3", "dialect=tensorflow&input=3&kernel=3&stride=2&padding=same&output=6"]) {
    const { axes, planes: [{ w, y }], address } = await expected(setting);
    await go(page, `${address}&view=forward`);
    assertNumbers(await cellsOf(grid(page, /^Forward convolution of y/)), convolution(axes, y, w), setting);
  }
});

test("the matrix and its transpose hold the taps of the contributors", async (t) => {
  const page = await open(t, "/?lang=en");
  const { planes: [{ x, w, y, contributors }], address } = await expected("dialect=tensorflow&input=2x2&kernel=3x3&stride=2&padding=same&output=4x3");
  await go(page, `${address}&view=matrix&cell=y:5`);
  const wanted = Array.from({ length: y.length }, () => new Array(x.length).fill(null));
  contributors.forEach((pairs, cell) => {
    for (const [i, j] of pairs) wanted[cell][i] = w[j];
  });
  const transposed = await cellsOf(grid(page, /^transpose\(C\)/));
  assert.deepEqual(values(transposed), wanted.flat());
  const plain = await cellsOf(grid(page, /^C, the forward/));
  assert.deepEqual(values(plain), x.flatMap((_, i) => wanted.map((row) => row[i])));
  const row = wanted.flatMap((line, cell) => line.map((value) => cell === 5 && value !== null)).flatMap((is, at) => (is ? [at] : []));
  assert.deepEqual(lit(transposed), row, "the row of the output that is pointed at");
  await shot(page, "matrix");
});

test("zero insertion shows the inputs apart and the flipped kernel over them", async (t) => {
  const page = await open(t, "/?lang=en");
  const { planes: [{ x, w, y, contributors }], address } = await expected("dialect=pytorch&input=3x3&kernel=3x3&stride=2&padding=1");
  const cell = 12;
  await go(page, `${address}&view=zero-insertion&cell=y:${cell}`);
  const stretched = await cellsOf(grid(page, /^Input with zeros/));
  assert.deepEqual(stretched.filter(({ paint }) => paint !== "zero").map(({ value }) => value), x);
  assert.deepEqual(values(await cellsOf(grid(page, /^Flipped kernel/))), w.toReversed());
  // The framed products are those of the sum, and zeros.
  const framed = stretched.filter(({ mark }) => mark);
  assert.equal(framed.length, w.length);
  const sum = framed.reduce((total, { text, mark }) => total + Number(text) * Number(mark.replace("×", "").replace("\u2212", "-")), 0);
  assert.equal(sum, y[cell]);
  assert.equal(framed.filter(({ lit: isLit }) => isLit).length, contributors[cell].length);
});

test("what the server says is shown as it is: nothing is worked out a second time", async (t) => {
  const page = await open(t, "/?lang=en", {
    prepare: (blank) => blank.route("**/api/v1/trace?**", async (route) => {
      const answer = await route.fetch();
      const { explanation, trace } = await answer.json();
      // Figures that no formula would give.
      Object.assign(explanation, { output: [41], derivation: ["made up: 73"], warnings: ["made up: 79"] });
      explanation.axes[0].legal_outputs = [41, 43];
      trace.planes[0].y[2] = 111;
      trace.planes[0].uncropped[2] = 113;
      trace.planes[0].back[1] = 127;
      trace.planes[0].products[2] = [131, 137];
      trace.overlap[2] = 17;
      trace.phases.outputs[2] = 6;
      await route.fulfill({ response: answer, json: { explanation, trace } });
    }),
  });
  const setting = "/?lang=en&dialect=definition&input=2&kernel=3&stride=2&cell=y:2&view=";
  await go(page, `${setting}gather`);
  assert.equal((await cellsOf(grid(page, OUTPUT)))[2].value, 111);
  assert.match(await page.locator("#diagram [role=status]").innerText(), /^111[\s\S]*= 131 \+ 137/);
  assert.match(await page.getByRole("heading", { name: /→/ }).innerText(), /2 → 41$/);
  assert.deepEqual(await page.locator("#sizes").getByRole("button").allInnerTexts(), ["41", "43"]);
  assert.match(await page.locator("#derivation").innerText(), /made up: 73/);
  assert.match(await page.locator("#warnings").innerText(), /made up: 79/);
  await go(page, `${setting}scatter`);
  assert.equal((await cellsOf(grid(page, /^Uncropped/)))[2].value, 113);
  await go(page, `${setting}overlap`);
  assert.equal((await cellsOf(grid(page, /^Overlap/)))[2].text, "17");
  await go(page, `${setting}phases`);
  assert.equal((await cellsOf(grid(page, OUTPUT)))[2].mark, "G");
  await go(page, `${setting}forward`);
  assert.equal((await cellsOf(grid(page, /^Forward convolution/)))[1].value, 127);
});
