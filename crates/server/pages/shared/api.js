/** The server's JSON API: one function for each endpoint. */

import { language } from "./language.js";

/**
 * @typedef {import("./types.js").Words} Words
 * @typedef {import("./types.js").Fills} Fills
 * @typedef {import("./types.js").ErrorObject} ErrorObject
 */

/** A setting may be long: from here on it goes into the body instead of the address. */
const LONGEST_QUERY = 1500;

/** What the server refuses: `error` says which field, and what would be legal. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 where the server was not reached
   * @param {Partial<ErrorObject> & {message: string}} error
   * @param {number | null} [retryAfter] seconds that a full server asks to wait
   */
  constructor(status, error, retryAfter = null) {
    super(error.message);
    this.name = "ApiError";
    this.status = status;
    this.retryAfter = retryAfter;
    /** @type {ErrorObject} */
    this.error = {
      rule: null, file: null, field: null, axis: null, got: null, legal: null, nearest: null, ...error,
    };
  }
}

/**
 * The words that say something; the language with them.
 * @param {object} words
 * @returns {Record<string, string>}
 */
function said(words) {
  /** @type {Record<string, string>} */
  const kept = {};
  for (const [name, value] of Object.entries(words)) {
    if (value !== undefined && value !== null && value !== "") kept[name] = String(value);
  }
  return { ...kept, lang: language() };
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function request(path, init) {
  let response;
  try {
    response = await fetch(`/api/v1/${path}`, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    const message = language() === "zh" ? "连不上服务器" : "the server cannot be reached";
    throw new ApiError(0, { message });
  }
  if (response.ok) return response;
  let error = { message: `${response.status} ${response.statusText}` };
  try {
    error = (await response.json()).error ?? error;
  } catch {
    // A body that is no JSON: the status has to do.
  }
  // Without the header this is 0, with a date it is no number: neither is a time to wait.
  throw new ApiError(response.status, error, Number(response.headers.get("retry-after")) || null);
}

/**
 * @param {string} path
 * @param {object} words
 * @param {AbortSignal} [signal]
 */
function ask(path, words, signal) {
  const kept = said(words);
  const query = new URLSearchParams(kept).toString();
  if (query.length <= LONGEST_QUERY) return request(`${path}?${query}`, { signal });
  const headers = { "content-type": "application/json" };
  return request(path, { method: "POST", headers, body: JSON.stringify(kept), signal });
}

/**
 * @param {string} path
 * @param {object} words
 * @param {Blob} file
 * @param {AbortSignal} [signal]
 */
function send(path, words, file, signal) {
  const headers = { "content-type": "application/octet-stream" };
  return request(`${path}?${new URLSearchParams(said(words))}`, { method: "POST", headers, body: file, signal });
}

/**
 * @param {Words} words
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Explanation>}
 */
export async function explain(words, signal) {
  return (await ask("explain", words, signal)).json();
}

/**
 * @param {Words & Fills} words
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Traced>}
 */
export async function trace(words, signal) {
  return (await ask("trace", words, signal)).json();
}

/**
 * What every dialect makes of the same words.
 * @param {Words} words
 * @param {AbortSignal} [signal]
 * @returns {Promise<{rows: import("./types.js").DialectRow[]}>}
 */
export async function dialects(words, signal) {
  const { dialect: _, ...rest } = words;
  return (await ask("dialects", rest, signal)).json();
}

/**
 * @param {string} from
 * @param {string} to
 * @param {string} [dialect]
 * @param {AbortSignal} [signal]
 * @returns {Promise<{settings: import("./types.js").Plan[]}>}
 */
export async function plan(from, to, dialect, signal) {
  return (await ask("plan", { from, to, dialect }, signal)).json();
}

/**
 * A drawing as a file.
 * @param {Words & Fills & {view: string, format: string, theme: string, forward?: string}} words
 * @returns {Promise<Blob>}
 */
export async function draw(words) {
  return (await ask("draw", words)).blob();
}

/**
 * A picture as that many grey values.
 * @param {Blob} file
 * @param {number} rows
 * @param {number} columns
 * @returns {Promise<import("./types.js").Picture>}
 */
export async function picture(file, rows, columns) {
  return (await send("picture", { rows, columns }, file)).json();
}

/**
 * What a picture loses on the way down and up again.
 * @param {Blob} file
 * @param {number} factor
 * @returns {Promise<import("./types.js").Loss>}
 */
export async function loss(file, factor) {
  return (await send("loss", { factor }, file)).json();
}

/**
 * The same as pictures side by side.
 * @param {Blob} file
 * @param {number} factor
 * @param {string} name
 * @returns {Promise<Blob>}
 */
export async function lossPanel(file, factor, name) {
  return (await send("loss/panel", { factor, name }, file)).blob();
}

/**
 * What a weight file holds.
 * @param {File} file
 * @returns {Promise<import("./types.js").WeightFile>}
 */
export async function weights(file) {
  return (await send("weights", { name: file.name }, file)).json();
}

/**
 * Whether one layer of a weight file leaves a chessboard.
 * @param {File} file
 * @param {{layer: string, stride?: string, groups?: string, dialect?: string}} which
 * @returns {Promise<import("./types.js").LayerBalance>}
 */
export async function weightsLayer(file, which) {
  return (await send("weights/layer", { name: file.name, ...which }, file)).json();
}

/**
 * @param {{values: number[], shape: number[], stride: number[], groups?: number}} weight
 * @returns {Promise<import("./types.js").BalanceData>}
 */
export async function balance(weight) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ ...weight, lang: language() });
  return (await request("balance", { method: "POST", headers, body })).json();
}

/** @returns {Promise<{lessons: import("./types.js").Lesson[]}>} */
export async function lessons() {
  return (await ask("lessons", {})).json();
}

/**
 * @param {string} lesson
 * @param {string} question
 * @param {string} answer
 * @returns {Promise<{right: boolean, why: string}>}
 */
export async function checkAnswer(lesson, question, answer) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ question, answer, lang: language() });
  return (await request(`lessons/${encodeURIComponent(lesson)}/check`, { method: "POST", headers, body })).json();
}

/** @param {AbortSignal} [signal] @returns {Promise<{runs: import("./types.js").RunSummary[]}>} */
export async function runs(signal) {
  return (await request(`runs?lang=${language()}`, { cache: "no-cache", signal })).json();
}

/**
 * One run with its curves; null where nothing has changed since the answer with this tag.
 * @param {string} name
 * @param {string | null} known the tag of the answer that is at hand
 * @param {AbortSignal} [signal]
 * @returns {Promise<{run: import("./types.js").RunDetail, tag: string | null} | null>}
 */
export async function run(name, known, signal) {
  const response = await request(`runs/${encodeURIComponent(name)}?lang=${language()}`, { cache: "no-cache", signal });
  const tag = response.headers.get("etag");
  // The browser answers what the server calls unchanged with what it has kept: it need not be read again.
  if (tag !== null && tag === known) return null;
  return { run: await response.json(), tag };
}

/**
 * The address of a run's sample picture.
 * @param {string} name
 * @param {number} step
 */
export function runPicture(name, step) {
  return `/api/v1/runs/${encodeURIComponent(name)}/pictures/${step}`;
}

/**
 * All models of the registry, and the networks that are served.
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Registry>}
 */
export async function models(signal) {
  return (await ask("models", {}, signal)).json();
}

/**
 * One model with its layers.
 * @param {string} name
 * @returns {Promise<import("./types.js").Model & {layers: import("./types.js").ModelLayer[]}>}
 */
export async function model(name) {
  return (await ask(`models/${encodeURIComponent(name)}`, {})).json();
}

/**
 * @param {Blob} file
 * @param {{model: string, name?: string, threshold?: number, only?: string, seen?: boolean}} words
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Segmented>}
 */
export async function segment(file, words, signal) {
  return (await send("segment", words, file, signal)).json();
}

/**
 * One kind of picture alone, as a PNG.
 * @param {Blob} file
 * @param {{model: string, name?: string, threshold?: number, only: "mask" | "overlay" | "cutout"}} words
 * @returns {Promise<Blob>}
 */
export async function segmentPng(file, words) {
  return (await send("segment", { ...words, format: "png" }, file)).blob();
}

/**
 * @param {Blob} file
 * @param {{model: string, name?: string, top?: number, crop?: "center" | "ten", seen?: boolean}} words
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Predicted>}
 */
export async function predict(file, words, signal) {
  return (await send("predict", words, file, signal)).json();
}

/**
 * A sheet of drawn pictures, as a PNG.
 * @param {{model: string, count: number, seed: number}} words
 * @param {AbortSignal} [signal]
 * @returns {Promise<Blob>}
 */
export async function sample(words, signal) {
  return (await ask("sample", words, signal)).blob();
}
