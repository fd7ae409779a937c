/** The lessons: every one in both languages, the questions right and wrong, and a photo of one's own. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { drop, png } from "./files.mjs";
import { BASE, cellsOf, go, settle, shot, site, tabTo, then } from "./helpers.mjs";

const open = site();

/** The server's own list, which alone says what the right answers are. */
const LESSONS = JSON.parse(readFileSync(new URL("../lessons.json", import.meta.url), "utf8"));
const LANGUAGES = /** @type {const} */ (["en", "zh"]);
const PHOTO = {
  name: "my photo.png", mimeType: "image/png",
  buffer: png(64, 64, (row, column) => (255 * ((row >> 3) % 2) * column) / 64),
};

/** @typedef {import("playwright-core").Page} Page */

/**
 * @param {import("playwright-core").Locator} form
 * @param {{kind: string}} question
 * @param {string} answer
 */
async function give(form, question, answer) {
  if (question.kind === "choice") await form.getByRole("radio").nth(Number(answer)).check();
  else await form.getByRole("textbox").fill(answer);
  await form.getByRole("button").click();
}

/** What the server tells of the lessons. @param {string} lang @returns {Promise<{id: string, title: string, questions: {text: string}[]}[]>} */
async function lessonsIn(lang) {
  return (await (await fetch(`${BASE}/api/v1/lessons?lang=${lang}`)).json()).lessons;
}

/** @param {{kind: string, answer: string}} question */
function wrong({ kind, answer }) {
  if (kind === "choice") return answer === "0" ? "1" : "0";
  return kind === "size" ? "1x1" : "-1";
}

test("the list leads to every lesson", async (t) => {
  const page = await open(t, "/lessons/?lang=en");
  const links = page.locator("main .lessons").getByRole("link");
  assert.deepEqual(await links.allInnerTexts(), (await lessonsIn("en")).map(({ title }) => title));
  await shot(page, "lessons");
  await go(page, "/lessons/?lang=zh");
  assert.deepEqual(await links.allInnerTexts(), (await lessonsIn("zh")).map(({ title }) => title));
  await links.first().click();
  await settle(page);
  assert.match(page.url(), /\/lessons\/deconvolution\.html\?lang=zh$/, "the language goes along");
});

for (const lesson of LESSONS) {
  test(`the lesson ${lesson.id} in both languages`, async (t) => {
    const page = await open(t, `/lessons/${lesson.id}.html?lang=en`);
    for (const lang of LANGUAGES) {
      if (lang === "zh") await then(page, () => page.getByRole("button", { name: "中文" }).click());
      const told = (await lessonsIn(lang)).find(({ id }) => id === lesson.id);
      assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), told?.title);
      assert.equal(await page.locator("html").getAttribute("lang"), lang === "zh" ? "zh-CN" : "en");
      assert.equal(await page.locator("main").locator(lang === "zh" ? "section[lang=en]:visible" : "section[lang=zh-CN]:visible").count(), 0);
      for (const figure of await page.locator("main .figure").all()) {
        assert.ok((await cellsOf(figure.getByRole("grid").first())).length > 0);
      }
      assert.equal(await page.locator("main .error").count(), 0, "nothing is refused");
      const [en, zh] = [await page.locator("section[lang=en]").count(), await page.locator("section[lang=zh-CN]").count()];
      assert.equal(en, zh, "every section stands in both languages");

      const forms = page.locator("#questions form");
      assert.equal(await forms.count(), 3);
      for (const [at, question] of lesson.questions.entries()) {
        const form = forms.nth(at);
        const text = told?.questions[at]?.text ?? "";
        assert.ok((await form.innerText()).includes(text), text);
        await give(form, question, wrong(question));
        await form.locator(".wrong").waitFor();
        assert.equal(await form.locator("details").getAttribute("open"), null, "the reason waits until it is asked for");
        await give(form, question, question.answer);
        assert.match(await form.locator(".right").innerText(), /.{20}/, "the reason is told");
      }
      await shot(page, `lesson-${lesson.id}-${lang}`);
    }
    // What was answered is kept, and the list says so.
    await go(page, "/lessons/?lang=en");
    assert.match(await page.locator(`[data-lesson="${lesson.id}"]`).innerText(), /3 of 3 questions answered/);
  });
}

test("a question without an answer asks for one, by keyboard too", async (t) => {
  const page = await open(t, "/lessons/deconvolution.html?lang=en");
  const form = page.locator("#questions form").first();
  await form.getByRole("button").click();
  assert.match(await form.getByRole("status").innerText(), /Answer first/);
  await form.getByRole("textbox").focus();
  await page.keyboard.type("7");
  await page.keyboard.press("Enter");
  await form.locator(".right").waitFor();
});

test("sizes may be written as one likes", async (t) => {
  const lesson = LESSONS.find(({ questions }) => questions.some(({ kind }) => kind === "size"));
  const at = lesson.questions.findIndex(({ kind }) => kind === "size");
  const page = await open(t, `/lessons/${lesson.id}.html?lang=en`);
  const form = page.locator("#questions form").nth(at);
  for (const sign of ["x", " × ", "X", "*", "ｘ"]) {
    await give(form, lesson.questions[at], lesson.questions[at].answer.replace("x", sign));
    await form.locator(".right").waitFor();
    await form.getByRole("textbox").fill("");
  }
});

test("figures are pointed at, and lead to the explorer", async (t) => {
  const page = await open(t, "/lessons/deconvolution.html?lang=en");
  const figure = page.locator("main .figure").first();
  await figure.getByRole("grid").first().getByRole("gridcell").nth(1).click();
  assert.match(await figure.innerText(), /x\[1\]/);
  await figure.getByRole("link", { name: "Open in the explorer" }).click();
  await settle(page);
  assert.match(page.url(), /dialect=definition&input=2&kernel=3&stride=2/);
  assert.match(await page.getByRole("heading", { name: /→/ }).innerText(), /2 → 5/);
});

test("the chessboard is measured as the taps are changed", async (t) => {
  const page = await open(t, "/lessons/chessboard.html?lang=en");
  const box = page.locator("main .balance");
  const measured = box.locator(".measured");
  await measured.getByText(/1\.3333/).waitFor();
  await box.getByRole("button", { name: "1 2 1 / 2 4 2 / 1 2 1" }).click();
  await measured.getByText(/no chessboard/).waitFor();
  await box.getByRole("spinbutton", { name: "tap, row 1, column 1" }).fill("8");
  // Responses 4, 4, 4 and 8: 4 of a mean of 5.
  await measured.getByText(/0\.8\b/).waitFor();
  assert.equal(await page.locator("main .cures tr.cure").count(), 5);
});

test("SAME: each size is a button, and the one that is not legal is refused", async (t) => {
  const page = await open(t, "/lessons/same.html?lang=en", { refusals: true });
  const box = page.locator("main .choice").first();
  for (const size of ["6", "5"]) {
    await then(page, () => box.getByRole("button", { name: size, exact: true }).click());
    assert.match(await box.locator(".derivation").innerText(), new RegExp(`\\b${size}\\b`));
  }
  await then(page, () => box.getByRole("button", { name: "7", exact: true }).click());
  assert.match(await box.getByRole("status").first().innerText(), /7 is not legal/);
});

for (const id of ["size-not-values", "upsampling"]) {
  test(`a photo goes down and up again in ${id}`, async (t) => {
    const page = await open(t, `/lessons/${id}.html?lang=en`, { refusals: true });
    const box = page.locator("main .loss");
    const table = box.getByRole("table");
    const panel = box.getByRole("img");
    /** @param {RegExp} name */
    const row = (name) => table.getByRole("row", { name }).innerText();
    assert.equal(await table.getByRole("row").count(), 8, "seven ways and the head");
    const test = await row(/^bilinear/);
    assert.match(await row(/^pixel shuffle\b(?! of)/), /exact/);
    await then(page, () => drop(box.locator(".drop"), PHOTO));
    await box.getByText("my photo.png").waitFor();
    await settle(page);
    assert.notEqual(await row(/^bilinear/), test);
    assert.match(await row(/^pixel shuffle\b(?! of)/), /exact/);
    assert.ok(await panel.evaluate((image) => image instanceof HTMLImageElement && image.naturalWidth > 100), "the pictures side by side");
    await shot(page, `photo-${id}`);
    const half = await row(/^bilinear/);
    await then(page, () => box.getByRole("combobox", { name: /^Factor/ }).selectOption("4"));
    assert.notEqual(await row(/^bilinear/), half);
    await then(page, () => drop(box.locator(".drop"), { name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") }));
    assert.match(await box.locator(".error").innerText(), /no picture/);
    await then(page, () => box.getByRole("button", { name: "Test picture" }).click());
    assert.equal(await table.getByRole("row").count(), 8);
  });
}

test("the next lesson is one key away", async (t) => {
  const page = await open(t, "/lessons/deconvolution.html?lang=en");
  await page.locator("#questions").getByRole("button").last().focus();
  await tabTo(page, /From 4x4 to 2x2/, 20);
  await page.keyboard.press("Enter");
  await page.waitForURL(/there-and-back/);
  await settle(page);
});
