/** English and Chinese: nothing is left in the other language, and switching keeps the setting. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { INPUT, OUTPUT, addressOf, cellsOf, focused, go, grid, lit, settle, shot, site, then, values } from "./helpers.mjs";

const open = site();

const LESSONS = ["deconvolution", "there-and-back", "size-not-values", "chessboard", "same", "upsampling", "fcn"];
const PAGES = ["/", "/lessons/", ...LESSONS.map((name) => `/lessons/${name}.html`)];
const STATES = [
  "/?dialect=tensorflow&input=3&kernel=3&stride=2&padding=same&output=9",
  "/?dialect=pytorch&input=3x3&kernel=3x3&stride=2&padding=same",
  "/?dialect=keras&input=3x3&kernel=2x2&stride=3&padding=valid&view=crop",
  "/?dialect=onnx&input=3&kernel=3&stride=2&output=6&groups=2&view=phases",
  "/?dialect=definition&input=2x2&kernel=3x3&view=matrix",
  "/?dialect=definition&input=3&kernel=3&stride=2&view=scatter&cell=x:1",
  "/?dialect=tflite&input=3x3&kernel=3x3&stride=2&view=zero-insertion&output=5x5",
  "/?dialect=caffe&input=4x4&kernel=3x3&stride=2&view=overlap&cell=w:4",
  "/?dialect=definition&input=2x2&kernel=3x3&view=forward",
  "/?dialect=pytorch&input=400x400&kernel=3x3&stride=2",
  "/?dialect=pytorch&input=3&kernel=3&x=1,2",
];

/** Names, and words that are typed or read in code, which are the same in both languages. */
const NAMES = new Set([
  // Who makes it, and what is named after itself.
  "upconv", "TensorFlow", "Lite", "TFLite", "Keras", "PyTorch", "ONNX", "Caffe", "Rust", "ICNR", "FCN", "PSNR", "SSIM",
  // Formats.
  "SVG", "GIF", "PNG", "HTML", "CC0", "safetensors", "npz", "h5", "pt", "caffemodel", "pb", "onnx",
  // Units.
  "dB", "kB", "MB",
  // Words of a setting, as they are typed.
  "tensorflow", "keras", "pytorch", "caffe", "tflite", "same", "valid", "same_upper", "same_lower", "output_padding", "groups",
  // Words of the frameworks.
  "SAME", "VALID", "SAME_UPPER", "SAME_LOWER", "NOTSET", "output_shape", "auto_pad", "padding", "pads", "pad", "Crop",
  // The words that a lesson is about, and whose they are.
  "deconvolution", "decode", "de", "Zeiler", "Krishnan", "Taylor", "Fergus", "Deconvolutional", "networks", "Aitken", "SegNet", "PASCAL",
]);

/** @typedef {import("playwright-core").Page} Page */

/**
 * All that is read or heard, but for what is marked as another language or is code.
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
function texts(page) {
  return page.evaluate(() => {
    const found = [document.title];
    const foreign = "[lang=en], code, pre, .sources, script, style";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (parent && !parent.closest(foreign) && (parent.closest("select") || parent.checkVisibility())) found.push(node.textContent ?? "");
    }
    for (const element of document.body.querySelectorAll("[aria-label], [alt], [title], [placeholder]")) {
      if (element.closest(foreign)) continue;
      for (const name of ["aria-label", "alt", "title", "placeholder"]) found.push(element.getAttribute(name) ?? "");
    }
    return found.map((text) => text.trim()).filter(Boolean);
  });
}

/** @param {string[]} read */
function englishIn(read) {
  // 16x16 is a size, w2 a tap, and formulas have names of their own.
  const words = (text) => (text.replaceAll(/\d+(x\d+)+|\bw\d+\b|\b(full|output)(?= =)|\b(ceil|floor|max|min)\(/g, "").match(/[A-Za-z][A-Za-z0-9_]+/g) ?? []).filter((word) => !NAMES.has(word));
  return [...new Set(read.flatMap((text) => words(text).map((word) => `${word}: ${text.slice(0, 120)}`)))];
}

for (const path of [...PAGES, ...STATES]) {
  test(`no English is left on the Chinese ${path}`, async (t) => {
    const page = await open(t, `${path}${path.includes("?") ? "&" : "?"}lang=zh`, { refusals: true });
    const read = await texts(page);
    assert.ok(read.some((text) => /\p{Script=Han}/u.test(text)));
    assert.deepEqual(englishIn(read), []);
    await then(page, () => page.getByRole("button", { name: "English" }).click());
    const chinese = (await texts(page)).filter((text) => /\p{Script=Han}/u.test(text) && text !== "中文");
    assert.deepEqual(chinese, [], "and no Chinese on the English one");
  });
}

test("switching keeps the setting, the cell and the focus", async (t) => {
  const page = await open(t, "/?lang=en&dialect=onnx&input=2x3&kernel=3x3&stride=2&padding=same_lower&x=1,2,3,4,5,7&view=scatter&cell=x:4");
  const before = { ...addressOf(page), lang: "zh" };
  const state = async () => ({
    x: values(await cellsOf(grid(page, INPUT))), lit: lit(await cellsOf(grid(page, /^Uncropped|^未裁剪/))),
    fields: await page.locator("#controls input[type=text]").evaluateAll((fields) => fields.map((field) => (field instanceof HTMLInputElement ? field.value : ""))),
  });
  const english = await state();
  await page.getByRole("button", { name: "中文" }).focus();
  await then(page, () => page.keyboard.press("Enter"));
  assert.deepEqual(addressOf(page), before);
  assert.deepEqual(await state(), english);
  assert.equal(await page.locator("html").getAttribute("lang"), "zh-CN");
  assert.match(await page.title(), /转置卷积/);
  assert.match(await page.getByRole("heading", { level: 1 }).innerText(), /转置卷积/);
  assert.equal(await focused(page), "English");
  assert.match(await page.locator("#derivation").innerText(), /\p{Script=Han}/u, "the server answers in Chinese");
  await shot(page, "explorer-zh");
  await then(page, () => page.keyboard.press("Enter"));
  assert.deepEqual(addressOf(page), { ...before, lang: "en" });
  assert.deepEqual(await state(), english);
});

test("a refusal is told in the language of the page, also after a switch", async (t) => {
  const page = await open(t, "/?lang=en&dialect=tensorflow&input=3&kernel=3&stride=2&output=9&padding=same", { refusals: true });
  assert.match(await page.getByRole("alert").innerText(), /not legal/);
  await then(page, () => page.getByRole("button", { name: "中文" }).click());
  assert.match(await page.getByRole("alert").innerText(), /合法/);
  await page.getByRole("alert").getByRole("button", { name: "6", exact: true }).click();
  await settle(page);
  assert.match(await page.getByRole("heading", { name: /→/ }).innerText(), /^TensorFlow：3 → 6$/);
});

test("the language is that of the link, else what was chosen, else that of the browser", async (t) => {
  const page = await open(t, "/", { locale: "zh-CN" });
  const language = () => page.locator("html").getAttribute("lang");
  assert.equal(await language(), "zh-CN");
  await then(page, () => page.getByRole("button", { name: "English" }).click());
  await go(page, "/lessons/");
  assert.equal(await language(), "en", "what was chosen is kept");
  await go(page, "/?lang=zh");
  assert.equal(await language(), "zh-CN", "a link says its own");
  const other = await open(t, "/", { locale: "fr-FR" });
  assert.equal(await other.locator("html").getAttribute("lang"), "en");
});

test("back and forward do not part the page from its address", async (t) => {
  const page = await open(t, "/?lang=en&dialect=definition&input=3&kernel=3");
  await then(page, () => page.getByRole("radio", { name: "Scatter" }).click());
  await then(page, () => page.getByRole("button", { name: "中文" }).click());
  await then(page, () => page.goBack());
  const shown = await page.locator("html").getAttribute("lang");
  assert.equal(addressOf(page).lang, shown === "zh-CN" ? "zh" : "en", "a link that is copied now shows what is seen now");
});

test("pictures that are taken along speak the language", async (t) => {
  const page = await open(t, "/?lang=zh&dialect=definition&input=2&kernel=3&stride=2");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "SVG" }).click()]);
  const stream = await download.createReadStream();
  const parts = [];
  for await (const part of stream) parts.push(part);
  assert.match(Buffer.concat(parts).toString(), /\p{Script=Han}/u);
  assert.ok(await grid(page, OUTPUT).isVisible());
});
