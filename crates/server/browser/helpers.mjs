/** A browser for the tests, pages that are watched for faults, and the cells that a page draws. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

export const BASE = (process.env.UPCONV_URL ?? "http://127.0.0.1:7878").replace(/\/$/, "");
export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

const USUAL_NAMES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
/** A page that has not done something by then will not do it. */
const PATIENCE = 20_000;

function executable() {
  const found = process.env.CHROMIUM ?? USUAL_NAMES.find((name) => existsSync(name));
  assert.ok(found, "no Chromium: name one in CHROMIUM");
  return found;
}

/**
 * One browser for all tests of a file.
 * @param {string[]} [more] arguments of the browser
 * @returns {(t: import("node:test").TestContext, path: string, options?: PageOptions) => Promise<import("playwright-core").Page>}
 *
 * @typedef {object} PageOptions
 * @property {{width: number, height: number}} [viewport]
 * @property {"light" | "dark"} [theme]
 * @property {string} [locale] of the browser
 * @property {boolean} [refusals] whether the server is asked for what it must refuse, or does not answer
 * @property {string} [script] runs in every document before its own scripts
 * @property {(page: import("playwright-core").Page) => Promise<void>} [prepare] before the first address
 */
export function site(more = []) {
  /** @type {import("playwright-core").Browser} */
  let browser;
  before(async () => {
    browser = await chromium.launch({ executablePath: executable(), args: [...ARGUMENTS, ...more] });
  });
  after(() => browser?.close());
  return async (t, path, options = {}) => {
    const { viewport = DESKTOP, theme = "light", locale = "en-US" } = options;
    const context = await browser.newContext({ viewport, colorScheme: theme, locale });
    context.setDefaultTimeout(PATIENCE);
    await context.addInitScript(countQuestions);
    if (options.script) await context.addInitScript({ content: options.script });
    const page = await context.newPage();
    const faults = watch(page, options.refusals ?? false);
    t.after(async () => {
      await context.close();
      assert.deepEqual(faults, [], "the page has no faults");
    });
    await options.prepare?.(page);
    await go(page, path);
    return page;
  };
}

/**
 * Errors of the page, and whatever it asks of another host.
 * @param {import("playwright-core").Page} page
 * @param {boolean} refusals
 */
function watch(page, refusals) {
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    // The browser itself reports whatever was not answered well, also where the page then explains it.
    const refused = message.location().url.startsWith(`${BASE}/api/`) && /status of (4\d\d|503)|ERR_FAILED/.test(message.text());
    if (!(refusals && refused)) faults.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("request", (request) => {
    const address = new URL(request.url());
    if (!["data:", "blob:"].includes(address.protocol) && address.origin !== new URL(BASE).origin) faults.push(`another host: ${request.url()}`);
  });
  page.on("dialog", (dialog) => faults.push(`dialog: ${dialog.message()}`));
  return faults;
}

/** Runs in the page: counts the questions to the server that are not answered yet. */
function countQuestions() {
  let open = 0;
  // What follows an answer runs before the next task, so that a question that follows at once is counted in time.
  const close = () => setTimeout(() => {
    open -= 1;
  });
  const ask = window.fetch;
  window.fetch = async (...question) => {
    open += 1;
    try {
      const answer = await ask(...question);
      for (const name of /** @type {const} */ (["json", "blob", "text"])) {
        const read = answer[name].bind(answer);
        answer[name] = async () => {
          open += 1;
          try {
            return await read();
          } finally {
            close();
          }
        };
      }
      return answer;
    } finally {
      close();
    }
  };
  Object.defineProperty(window, "openQuestions", { get: () => open });
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} path
 */
export async function go(page, path) {
  await page.goto(BASE + path);
  await settle(page);
}

/**
 * Waits until every answer has arrived and is drawn.
 * @param {import("playwright-core").Page} page
 */
export async function settle(page) {
  await page.waitForFunction(() => Reflect.get(window, "openQuestions") === 0 && !document.querySelector("[aria-busy=true]"));
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/**
 * Does something and waits for what follows.
 * @param {import("playwright-core").Page} page
 * @param {() => Promise<unknown>} act
 */
export async function then(page, act) {
  await act();
  await settle(page);
}

/**
 * @typedef {object} Cell
 * @property {string} text what is seen
 * @property {string} label what is heard
 * @property {number | null} value the number, from the label where the text is shortened
 * @property {boolean} lit
 * @property {boolean} chosen
 * @property {string} paint
 * @property {string} mark
 */

/**
 * The cells of a grid, row by row.
 * @param {import("playwright-core").Locator} grid
 * @returns {Promise<Cell[]>}
 */
export async function cellsOf(grid) {
  const read = await grid.getByRole("gridcell").evaluateAll((cells) => cells.map((cell) => ({
    text: (cell.querySelector(".value")?.textContent ?? "").replace("\u2212", "-"),
    label: cell.getAttribute("aria-label") ?? "",
    lit: cell.classList.contains("lit"),
    chosen: cell.getAttribute("aria-selected") === "true",
    paint: cell.getAttribute("data-paint") ?? "",
    mark: cell.getAttribute("data-mark") ?? "",
  })));
  return read.map((cell) => ({ ...cell, value: numberIn(cell.label) }));
}

/** @param {string} label */
function numberIn(label) {
  const said = /(?:exactly|即) ([^,，]+)/.exec(label) ?? /(?:value|值) ([^,，]+)/.exec(label);
  return said ? Number(said[1]?.replace("\u2212", "-")) : null;
}

/**
 * The grid of the explorer's diagram with this name.
 * @param {import("playwright-core").Page} page
 * @param {string | RegExp} name
 */
export function grid(page, name) {
  return page.locator("#diagram").getByRole("grid", { name }).first();
}

export const INPUT = /^Input x|^输入 x/;
export const KERNEL = /^Kernel w|^卷积核 w/;
export const OUTPUT = /^Output y|^输出 y/;

/** @param {Cell[]} cells */
export const values = (cells) => cells.map(({ value }) => value);
/** @param {Cell[]} cells */
export const lit = (cells) => cells.flatMap((cell, at) => (cell.lit ? [at] : []));
/** @param {Cell[]} cells */
export const chosen = (cells) => cells.flatMap((cell, at) => (cell.chosen ? [at] : []));

/** What the address says. @param {import("playwright-core").Page} page */
export function addressOf(page) {
  return Object.fromEntries(new URL(page.url()).searchParams);
}

/**
 * The focused element: what a screen reader would name it.
 * @param {import("playwright-core").Page} page
 */
export function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement)) return "";
    const labels = element instanceof HTMLInputElement || element instanceof HTMLSelectElement ? [...element.labels ?? []] : [];
    return (element.getAttribute("aria-label") ?? (labels.map((label) => label.textContent).join(" ") || element.textContent) ?? "").trim();
  });
}

/**
 * Presses Tab until something is focused whose name fits, as one does who has no mouse.
 * @param {import("playwright-core").Page} page
 * @param {RegExp} name
 * @param {number} [most] presses
 */
export async function tabTo(page, name, most = 80) {
  const passed = [];
  for (let press = 0; press < most; press += 1) {
    await page.keyboard.press("Tab");
    const now = await focused(page);
    if (name.test(now)) return press + 1;
    passed.push(now.slice(0, 30));
  }
  assert.fail(`Tab does not lead to ${name}; it passed ${passed.join(" | ")}`);
}

/**
 * Saves a picture of the page where UPCONV_SHOTS names a folder.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
export async function shot(page, name) {
  const folder = process.env.UPCONV_SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const size = page.viewportSize();
  for (const [kind, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    await page.setViewportSize(viewport);
    await settle(page);
    await page.screenshot({ path: join(folder, `${name}-${kind}.png`), fullPage: true });
  }
  if (size) await page.setViewportSize(size);
  await settle(page);
}
