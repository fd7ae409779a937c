/** What the page shows, and the address that says it: a link shows the same. */

import { language } from "../shared/language.js";

/**
 * @typedef {object} State
 * @property {string[] | null} places the chosen runs, each at the place that gives it its colour; an empty name is a
 *   place that is free again; null: nothing was chosen yet, not even none
 * @property {string[]} hidden metrics
 * @property {number} smoothing 0 to 0.99
 * @property {boolean} log
 * @property {[number, number] | null} zoom the first and the last step that is seen
 */

export const MOST_SMOOTHING = 0.99;

/** @param {string} search @returns {State} */
export function parseState(search) {
  const query = new URLSearchParams(search);
  const smoothing = Number(query.get("smooth"));
  const [from, to] = [query.get("from"), query.get("to")].map((text) => (text && /^\d+$/.test(text) ? Number(text) : null));
  return {
    places: query.has("run") ? trimmed(query.getAll("run")) : null,
    hidden: query.getAll("hide"),
    smoothing: smoothing > 0 ? Math.min(smoothing, MOST_SMOOTHING) : 0,
    log: query.get("log") === "1",
    zoom: typeof from === "number" && typeof to === "number" && from < to ? [from, to] : null,
  };
}

/** @param {State} state */
export function searchOf(state) {
  const query = new URLSearchParams();
  // Of no runs at all too, which is not the same as no word about them.
  for (const name of state.places?.length === 0 ? [""] : state.places ?? []) query.append("run", name);
  for (const metric of state.hidden) query.append("hide", metric);
  if (state.smoothing > 0) query.set("smooth", String(state.smoothing));
  if (state.log) query.set("log", "1");
  if (state.zoom) {
    query.set("from", String(state.zoom[0]));
    query.set("to", String(state.zoom[1]));
  }
  query.set("lang", language());
  return `?${query.toString().replaceAll("%2F", "/")}`;
}

/** @param {State} state @returns {{name: string, place: number}[]} */
export function chosen({ places }) {
  return (places ?? []).map((name, place) => ({ name, place })).filter(({ name }) => name !== "");
}

/**
 * With a run more at the first free place, or one less whose place is then free: the others keep their colours.
 * @param {State} state
 * @param {string} name
 */
export function toggled(state, name) {
  const places = [...state.places ?? []];
  const at = places.indexOf(name);
  const free = places.indexOf("");
  if (at >= 0) places[at] = "";
  else if (free >= 0) places[free] = name;
  else places.push(name);
  return trimmed(places);
}

/** Each run once, and no free places at the end. @param {string[]} places */
function trimmed(places) {
  const kept = places.map((name, at) => (places.indexOf(name) === at ? name : ""));
  while (kept.at(-1) === "") kept.pop();
  return kept;
}

/** @param {(state: State) => void} onChange */
export function createStore(onChange) {
  let state = parseState(location.search);
  let waiting = 0;
  addEventListener("popstate", () => {
    clearTimeout(waiting);
    state = parseState(location.search);
    onChange(state);
    // The language stays, whatever it was when the page was there before.
    history.replaceState(null, "", searchOf(state));
  });
  return {
    get: () => state,
    /**
     * @param {Partial<State>} change
     * @param {{passing?: boolean}} [how] what a slider passes on its way is no step back and forward
     */
    set(change, { passing = false } = {}) {
      state = { ...state, ...change };
      clearTimeout(waiting);
      // A browser refuses many changes of the address in a row.
      if (passing) waiting = setTimeout(() => history.replaceState(null, "", searchOf(state)), 300);
      else if (searchOf(state) !== location.search) history.pushState(null, "", searchOf(state));
      onChange(state);
    },
  };
}

/** @typedef {ReturnType<typeof createStore>} Store */
