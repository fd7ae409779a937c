/** Pictures for the tests of the models page, the API asked directly, and the pixels that the page shows. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { pick, png, readPng } from "./files.mjs";
import { BASE, then } from "./helpers.mjs";

/** @param {string} name */
const example = (name) => ({ name, mimeType: "image/png", buffer: readFileSync(new URL(`../../../examples/${name}`, import.meta.url)) });
export const ASTRONAUT = example("astronaut.png");
export const ROAD = example("road.png");
export const NOTES = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no picture\n") };
export const SMALL = { name: "grey.png", mimeType: "image/png", buffer: png(40, 60, (row, column) => (row * 5 + column) % 256) };

/** @typedef {import("playwright-core").Page} Page */

/** @param {string} path @param {Buffer} [body] */
export async function api(path, body) {
  const answer = await fetch(`${BASE}/api/v1/${path}`, body && { method: "POST", body, headers: { "content-type": "application/octet-stream" } });
  assert.equal(answer.status, 200, path);
  return answer.headers.get("content-type")?.startsWith("image/") ? Buffer.from(await answer.arrayBuffer()) : answer.json();
}

/** @param {string} address a data: address */
export const bytesOf = (address) => Buffer.from(address.slice(address.indexOf(",") + 1), "base64");

/** A network of the server for a task. @param {string} task */
export async function networkFor(task) {
  const found = (await api("models")).networks.find((network) => network.task === task);
  assert.ok(found, `the server that is tested has a network to ${task}`);
  return found;
}

/**
 * A picture that a classifier is least sure about: grey, with as many lighter pixels as tip it from one class to another.
 * @param {{name: string, input: {size: [number, number]}}} network
 */
export async function unsure({ name, input: { size: [height, width] } }) {
  /** @param {number} light pixels, each counted once for every step of its grey */
  const picture = (light) => png(height, width, (row, column) => Math.floor(light / (height * width)) + Number(row * width + column < light % (height * width)));
  /** @param {number} light */
  const likeliest = async (light) => (await api(`predict?model=${encodeURIComponent(name)}`, picture(light))).top[0];
  let [low, high] = [0, 255 * height * width];
  const dark = (await likeliest(low)).label;
  let best = { light: low, probability: 2 };
  while (high - low > 1) {
    const light = (low + high) >> 1;
    const { label, probability } = await likeliest(light);
    if (probability < best.probability) best = { light, probability };
    if (label === dark) low = light;
    else high = light;
  }
  return { name: "unsure.png", mimeType: "image/png", buffer: picture(best.light) };
}

/** @param {Page} page @param {object | object[]} files */
export const give = (page, files) => then(page, () => pick(page.getByRole("button", { name: /^Choose pictures|^选择图片/ }), /** @type {any} */ (files)));

/** What a canvas or an image holds, as red, green, blue and alpha. @param {import("playwright-core").Locator} picture */
export async function pixelsOf(picture) {
  return readPng(bytesOf(await picture.evaluate(async (element) => {
    if (element instanceof HTMLCanvasElement) return element.toDataURL();
    const canvas = document.createElement("canvas");
    await element.decode();
    [canvas.width, canvas.height] = [element.naturalWidth, element.naturalHeight];
    canvas.getContext("2d").drawImage(element, 0, 0);
    return canvas.toDataURL();
  })));
}

/** With one decimal, and two below one. @param {number} share */
export const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0095 ? 2 : 1)} %`;
/** @param {Page} page */
export const share = (page) => page.locator("#share").innerText();
/** @param {Page} page */
export const items = (page) => page.locator(".strip button");

/** The questions to the server from here on. @param {Page} page */
export function questions(page) {
  /** @type {string[]} */
  const asked = [];
  page.on("request", (request) => request.url().includes("/api/v1/") && asked.push(request.url()));
  return asked;
}

