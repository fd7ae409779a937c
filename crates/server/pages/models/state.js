/** What the page is set to, and the address that says it: a copied link shows the same settings. */

import { language } from "../shared/language.js";

/**
 * @typedef {object} State
 * @property {string} task empty: that of the network, else the first
 * @property {string} network empty: the first of the task
 * @property {View} view
 * @property {number} threshold 0 to 1, in hundredths
 * @property {number} k classes that are shown
 * @property {"center" | "ten"} crop
 * @property {number} seed
 * @property {number} count pictures of a sheet
 *
 * @typedef {"overlay" | "mask" | "cutout"} View
 */

/** @type {View[]} */
export const VIEWS = ["overlay", "mask", "cutout"];
export const MOST_CLASSES = 20;
export const MOST_DRAWN = 64;
export const LARGEST_SEED = Number.MAX_SAFE_INTEGER;

/** Safari refuses more than 100 changes of the address in half a minute. */
const REST = 400;

/** @type {State} */
const START = { task: "", network: "", view: "overlay", threshold: 0.5, k: 5, crop: "center", seed: 1, count: 36 };

/**
 * @param {string} search
 * @returns {State}
 */
export function parseState(search) {
  const query = new URLSearchParams(search);
  /** @param {"threshold" | "k" | "seed" | "count"} name @param {number} least @param {number} most */
  const number = (name, least, most) => {
    const said = query.get(name);
    const value = said ? Number(said) : NaN;
    return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : START[name];
  };
  const view = VIEWS.find((known) => known === query.get("view"));
  return {
    task: query.get("task") ?? "",
    network: query.get("network") ?? "",
    view: view ?? START.view,
    threshold: Math.round(number("threshold", 0, 1) * 100) / 100,
    k: Math.round(number("k", 1, MOST_CLASSES)),
    crop: query.get("crop") === "ten" ? "ten" : START.crop,
    seed: Math.round(number("seed", 0, LARGEST_SEED)),
    count: Math.round(number("count", 1, MOST_DRAWN)),
  };
}

/** @param {State} state */
function searchOf(state) {
  const query = new URLSearchParams();
  for (const name of /** @type {(keyof State)[]} */ (Object.keys(START))) {
    if (state[name] !== START[name]) query.set(name, String(state[name]));
  }
  query.set("lang", language());
  return `?${query}`;
}

/** @param {(state: State, before: State) => void} onChange */
export function createStore(onChange) {
  let state = parseState(location.search);
  let waiting = 0;
  const write = () => history.replaceState(null, "", searchOf(state));
  addEventListener("popstate", () => {
    clearTimeout(waiting);
    const before = state;
    state = parseState(location.search);
    onChange(state, before);
    // The language stays, whatever it was when the page was there before.
    write();
  });
  return {
    get: () => state,
    /**
     * @param {Partial<State>} change
     * @param {{step?: boolean}} [how] a step can be gone back; a slider that moves makes none
     */
    set(change, { step = false } = {}) {
      const before = state;
      state = { ...state, ...change };
      clearTimeout(waiting);
      if (!step) waiting = setTimeout(write, REST);
      else if (searchOf(state) !== location.search) history.pushState(null, "", searchOf(state));
      onChange(state, before);
    },
  };
}

/** @typedef {ReturnType<typeof createStore>} Store */
