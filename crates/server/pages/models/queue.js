/** The pictures that were given: asked about one after another; one that fails does not stop the rest. */

import { ApiError } from "../shared/api.js";
import { patiently } from "./patience.js";

/** @typedef {import("./files.js").Answered} Answered */
/**
 * @typedef {object} Item
 * @property {number} id
 * @property {File} file
 * @property {string} address of the file, to show it
 * @property {"waiting" | "running" | "done" | "failed"} state
 * @property {Answered | null} answered
 * @property {ApiError | null} error
 * @property {{error: ApiError, seconds: number} | null} pause the server is full: how long it is waited for
 * @property {number} roundTrip milliseconds
 */

/** @type {Pick<Item, "state" | "answered" | "error" | "pause">} */
const UNASKED = { state: "waiting", answered: null, error: null, pause: null };

/** @param {number} id @param {File} file @returns {Item} */
const fresh = (id, file) => ({ id, file, address: URL.createObjectURL(file), roundTrip: 0, ...UNASKED });

/**
 * @param {(file: File, signal: AbortSignal) => Promise<Answered>} ask
 * @param {() => void} onChange
 */
export function createQueue(ask, onChange) {
  /** @type {Item[]} */
  let items = [];
  let chosen = 0;
  let last = 0;
  /** @type {AbortController | null} */
  let running = null;

  const run = async () => {
    if (running) return;
    const turn = new AbortController();
    running = turn;
    for (let item = next(); item; item = next()) {
      item.state = "running";
      onChange();
      await answer(item, turn.signal);
      if (turn.signal.aborted) return;
      onChange();
    }
    running = null;
    onChange();
  };
  /** The one that is looked at comes first. */
  const next = () => items.find(({ id, state }) => state === "waiting" && id === chosen) ?? items.find(({ state }) => state === "waiting");

  /** @param {Item} item @param {AbortSignal} signal */
  const answer = async (item, signal) => {
    let begun = 0;
    try {
      const answered = await patiently(() => {
        begun = performance.now();
        return ask(item.file, signal);
      }, {
        signal, onWait: (error, seconds) => {
          item.pause = error && { error, seconds };
          onChange();
        },
      });
      Object.assign(item, { answered, roundTrip: performance.now() - begun, state: "done" });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      Object.assign(item, { error, pause: null, state: "failed" });
    }
  };

  const stop = () => {
    running?.abort();
    running = null;
  };
  return {
    items: () => items,
    busy: () => running !== null,
    chosen: () => items.find(({ id }) => id === chosen) ?? null,
    /** @param {number} id */
    choose(id) {
      chosen = id;
      onChange();
    },
    /** @param {readonly File[]} files */
    add(files) {
      const added = files.map((file) => {
        last += 1;
        return fresh(last, file);
      });
      items.push(...added);
      chosen = added[0]?.id ?? chosen;
      onChange();
      void run();
    },
    /** Asks anew about all, or those that a test names. @param {(item: Item) => boolean} [which] */
    again(which = () => true) {
      stop();
      for (const item of items) if (which(item) || item.state === "running") Object.assign(item, UNASKED);
      onChange();
      void run();
    },
    /** Another file in the place of one, under its name. @param {Item} item @param {File} file */
    replace(item, file) {
      URL.revokeObjectURL(item.address);
      Object.assign(item, fresh(item.id, file));
      onChange();
      void run();
    },
    clear() {
      stop();
      for (const { address } of items) URL.revokeObjectURL(address);
      items = [];
      onChange();
    },
  };
}

/** @typedef {ReturnType<typeof createQueue>} Queue */
