/**
 * What the page shows, and the address that says it.
 *
 * The address holds all of it: a change of a control is a step back and forward, pointing is not.
 */

import { language } from "../shared/language.js";
import { VIEWS } from "../shared/panels.js";

/**
 * @typedef {import("../shared/types.js").Words} Words
 * @typedef {import("../shared/types.js").Fills} Fills
 * @typedef {import("../shared/cells.js").View} View
 */
/**
 * @typedef {object} State
 * @property {Required<Words>} words an empty word is the dialect's default
 * @property {string} x
 * @property {string} w
 * @property {View} view
 * @property {string} cell y:7, or empty
 * @property {number} group
 * @property {boolean} shade
 */

/** @type {(keyof Words)[]} */
export const WORDS = ["dialect", "input", "kernel", "stride", "dilation", "groups", "padding", "output", "output_padding"];

/** Safari refuses more than 100 changes of the address in half a minute; so many are for pointing and playing. */
const MOST_CHANGES = 80;
const HALF_A_MINUTE = 30_000;

/** @type {State} */
const START = {
  words: {
    dialect: "tensorflow", input: "3x3", kernel: "3x3", stride: "2", dilation: "", groups: "",
    padding: "same", output: "", output_padding: "",
  },
  x: "count", w: "count", view: "gather", cell: "", group: 0, shade: false,
};

/**
 * @param {string} search
 * @returns {State}
 */
export function parseState(search) {
  const query = new URLSearchParams(search);
  // An address with a setting says all of it; without one the page begins with a setting worth looking at.
  const says = query.has("input") && query.has("kernel");
  const words = { ...START.words };
  if (says) for (const word of WORDS) words[word] = query.get(word) ?? "";
  if (says) words.dialect = { "": "definition", torch: "pytorch" }[words.dialect] ?? words.dialect;
  const view = /** @type {View} */ (query.get("view"));
  return {
    words,
    x: query.get("x") || START.x,
    w: query.get("w") || START.w,
    view: VIEWS.includes(view) ? view : START.view,
    cell: /^[xwy]:\d+$/.test(query.get("cell") ?? "") ? query.get("cell") ?? "" : "",
    group: Number(query.get("group")) || 0,
    shade: query.get("shade") === "1",
  };
}

/** @param {State} state */
export function searchOf(state) {
  const query = new URLSearchParams();
  for (const word of WORDS) if (state.words[word]) query.set(word, state.words[word]);
  if (state.x !== START.x) query.set("x", state.x);
  if (state.w !== START.w) query.set("w", state.w);
  query.set("view", state.view);
  if (state.cell) query.set("cell", state.cell);
  if (state.group) query.set("group", String(state.group));
  if (state.shade) query.set("shade", "1");
  query.set("lang", language());
  // The signs of cells and lists may stand in an address as they are, and are read more easily.
  return `?${query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",")}`;
}

/**
 * @param {(state: State, before: State) => void} onChange
 */
export function createStore(onChange) {
  let state = parseState(location.search);
  /** @param {State} next */
  const become = (next) => {
    const before = state;
    state = next;
    onChange(state, before);
  };
  /** When pointing changed the address. @type {number[]} */
  let changes = [];
  let waiting = 0;
  /** Pointing and playing change the address, but not more often than a browser allows. @param {string} search */
  const point = (search) => {
    clearTimeout(waiting);
    const now = performance.now();
    changes = changes.filter((time) => now - time < HALF_A_MINUTE);
    if (changes.length >= MOST_CHANGES) waiting = setTimeout(() => point(search), 1000);
    else {
      changes.push(now);
      history.replaceState(null, "", search);
    }
  };
  addEventListener("popstate", () => {
    clearTimeout(waiting);
    become(parseState(location.search));
    // The language stays, whatever it was when the page was there before.
    history.replaceState(null, "", searchOf(state));
  });
  return {
    get: () => state,
    /**
     * @param {Partial<Omit<State, "words">> & {words?: Partial<Words>}} change
     * @param {{pointing?: boolean}} [how] pointing replaces the address
     */
    set(change, { pointing = false } = {}) {
      const next = fitting({ ...state, ...change, words: { ...state.words, ...change.words } }, state);
      const search = searchOf(next);
      if (pointing) point(search);
      else {
        clearTimeout(waiting);
        if (search !== location.search) history.pushState(null, "", search);
      }
      become(next);
    },
  };
}

/** @typedef {ReturnType<typeof createStore>} Store */

/** @param {string} fill */
export function isNumbers(fill) {
  return /^[\s\d.,eE+-]+$/.test(fill);
}

/**
 * Numbers typed for a grid of another size are left behind.
 * @param {State} next
 * @param {State} before
 * @returns {State}
 */
function fitting(next, before) {
  const grids = /** @type {const} */ ([["x", "input"], ["w", "kernel"]]);
  for (const [fill, word] of grids) {
    const resized = next.words[word] !== before.words[word] || next.words.groups !== before.words.groups;
    if (resized && next[fill] === before[fill] && isNumbers(next[fill])) next[fill] = "count";
  }
  return next;
}
