/** A photo and a weight file of one's own, and a file that is neither. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { drop, pick, png, safetensors } from "./files.mjs";
import { INPUT, addressOf, cellsOf, go, grid, shot, site, then, values } from "./helpers.mjs";
import { transposedConvolution } from "./reference.mjs";

const open = site();

const TAPS = [1, 2, 1, 2, 5, 2, 1, 2, 3];
const WEIGHTS = {
  name: "net.safetensors", mimeType: "application/octet-stream",
  buffer: safetensors({
    "up.weight": { shape: [1, 1, 3, 3], values: TAPS },
    "even.weight": { shape: [1, 1, 2, 2], values: [3, 3, 3, 3] },
    "up.bias": { shape: [1], values: [0] },
  }),
};
const NEITHER = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("neither a picture nor weights\n") };

/** What an input of 1 everywhere becomes away from the border, in the four phases of stride 2. */
function responses() {
  const axis = { input: 6, kernel: 3, stride: 2, dilation: 1, begin: 0, output: 13 };
  const { y } = transposedConvolution([axis, axis], new Array(36).fill(1), TAPS);
  return [[4, 4], [4, 5], [5, 4], [5, 5]].map(([row, column]) => y[row * 13 + column]);
}

test("a picture becomes the input", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=2x3&kernel=2x2&stride=2", { refusals: true });
  const greys = [0, 51, 102, 153, 204, 255];
  const opener = page.getByRole("button", { name: /^a picture/ });
  await then(page, () => pick(opener, { name: "grey.png", mimeType: "image/png", buffer: png(2, 3, (row, column) => greys[row * 3 + column]) }));
  await page.waitForFunction(() => location.search.includes("shade=1"));
  assert.equal(addressOf(page).x, greys.join(","));
  assert.deepEqual(values(await cellsOf(grid(page, INPUT))), greys);

  // A larger picture is brought to as many cells as there are, by a filter that reaches over the borders of a cell.
  await then(page, () => pick(opener, { name: "thirds.png", mimeType: "image/png", buffer: png(40, 60, (_, column) => (column < 20 ? 10 : column < 40 ? 100 : 200)) }));
  const [left, middle, right, ...below] = values(await cellsOf(grid(page, INPUT)));
  assert.ok(Math.abs(left - 10) < 20 && Math.abs(middle - 100) < 10 && Math.abs(right - 200) < 20, `${left} ${middle} ${right}`);
  assert.deepEqual(below, [left, middle, right], "both rows are the same");
  await shot(page, "picture");

  await then(page, () => page.getByRole("button", { name: /^larger input/ }).click());
  assert.equal((await cellsOf(grid(page, INPUT))).length, 256);

  await go(page, "/?lang=en&dialect=definition&input=4&kernel=2&stride=2");
  await then(page, () => pick(opener, { name: "row.png", mimeType: "image/png", buffer: png(1, 4, (_, column) => 60 * column) }));
  assert.deepEqual(values(await cellsOf(grid(page, INPUT))), [0, 60, 120, 180], "a picture for one axis");
});

test("a file that is no picture is said to be none", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=2x2&kernel=2x2", { refusals: true });
  await then(page, () => pick(page.getByRole("button", { name: /^a picture/ }), NEITHER));
  await page.locator("#controls").getByText(/no picture/).waitFor();
  assert.deepEqual(values(await cellsOf(grid(page, INPUT))), [1, 2, 3, 4]);
  await then(page, () => pick(page.getByRole("button", { name: /^a picture/ }), { name: "cut.png", mimeType: "image/png", buffer: png(9, 9, () => 7).subarray(0, 50) }));
  assert.ok(await page.locator("#controls [role=status]").filter({ hasText: /\S/ }).isVisible(), "a picture that is cut short");
});

test("a weight file says its layers, and a layer its chessboard", async (t) => {
  const page = await open(t, "/?lang=en", { refusals: true });
  const box = page.locator("#weights");
  await then(page, () => drop(box.locator(".drop"), WEIGHTS));
  await box.getByText(/net\.safetensors · safetensors .*3/).waitFor();
  await then(page, () => box.getByRole("button", { name: /^up · 1x1x3x3/ }).click());
  // The file does not say the stride.
  const stride = box.getByRole("textbox", { name: /Stride/ });
  await stride.fill("2");
  await then(page, () => stride.press("Enter"));
  const told = responses();
  const mean = told.reduce((sum, response) => sum + response, 0) / 4;
  const imbalance = (Math.max(...told) - Math.min(...told)) / mean;
  assert.match(await box.innerText(), new RegExp(`Imbalance ${Number(imbalance.toFixed(4))}\\b`));
  const phases = box.getByRole("table").first().getByRole("row");
  const shown = (await phases.allInnerTexts()).slice(1).map((row) => row.split("\t").map((cell) => cell.trim()));
  assert.deepEqual(shown.map((row) => Number(row[2])), told);
  assert.deepEqual(shown.map((row) => Number(row[1])), [4, 2, 2, 1]);
  const pattern = await cellsOf(box.getByRole("grid", { name: /worst channel/ }));
  assert.deepEqual(pattern.slice(0, 2).map(({ text }) => Number(text)), told.slice(0, 2));
  assert.equal(await box.getByRole("table").nth(1).getByRole("row").count(), 6, "five cures");
  assert.ok((await cellsOf(box.getByRole("grid", { name: /^Overlap/ }))).some(({ text }) => text === "4"));
  await shot(page, "weights");

  await then(page, () => box.getByRole("button", { name: /^Show this kernel/ }).click());
  const said = addressOf(page);
  assert.deepEqual([said.kernel, said.stride, said.view], ["3x3", "2x2", "overlap"]);

  await then(page, () => box.getByRole("button", { name: /^even · 1x1x2x2/ }).click());
  await then(page, () => box.getByRole("textbox", { name: /Stride/ }).press("Enter"));
  assert.match(await box.innerText(), /Imbalance 0:/);
});

test("a weight file can be chosen too, in Chinese", async (t) => {
  const page = await open(t, "/?lang=zh", { refusals: true });
  const box = page.locator("#weights");
  await then(page, () => pick(box.getByRole("button", { name: "选择文件" }), WEIGHTS));
  await then(page, () => box.getByRole("button", { name: /^up/ }).click());
  assert.match(await box.getByRole("status").innerText(), /\p{Script=Han}/u);
  await then(page, () => box.getByRole("button", { name: "测量" }).click());
  assert.match(await box.innerText(), /不均衡度|不平衡度/);
});

test("a file that is no weight file is said to be none", async (t) => {
  const page = await open(t, "/?lang=en", { refusals: true });
  const box = page.locator("#weights");
  await then(page, () => drop(box.locator(".drop"), NEITHER));
  await box.getByText(/no known weight format/).waitFor();
  await then(page, () => drop(box.locator(".drop"), { ...WEIGHTS, buffer: WEIGHTS.buffer.subarray(0, 90) }));
  assert.ok(await box.locator(".error").isVisible(), "a file that is cut short");
  assert.equal(await box.getByRole("button", { name: /^up/ }).count(), 0);
  await then(page, () => drop(box.locator(".drop"), { ...WEIGHTS, buffer: safetensors({ bias: { shape: [2], values: [1, 2] } }) }));
  assert.match(await box.innerText(), /No tensor of this file/);
});
