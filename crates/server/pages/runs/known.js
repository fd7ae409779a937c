/** What is known of the runs: the newest list, what was read of each, and which are gone. */

/**
 * @typedef {import("../shared/types.js").RunSummary} RunSummary
 * @typedef {import("../shared/types.js").RunDetail} RunDetail
 */
/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {RunSummary | null} summary null: a link names it, but it was never seen
 * @property {number} changed when it changed last, in milliseconds of the clock here
 * @property {boolean} gone
 * @property {RunDetail | null} detail
 * @property {string | null} tag of the detail
 * @property {string | null} problem why its detail cannot be read
 */

/** By name, so that a run does not move when it changes. */
const order = new Intl.Collator("en", { numeric: true });

export function createKnown() {
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  let listed = false;

  /** @param {string} name */
  const entry = (name) => {
    let found = entries.get(name);
    if (!found) {
      found = { name, summary: null, changed: 0, gone: false, detail: null, tag: null, problem: null };
      entries.set(name, found);
    }
    return found;
  };

  return {
    /** Whether there was a list yet. */
    listed: () => listed,
    entry,
    all: () => [...entries.values()].sort((a, b) => order.compare(a.name, b.name)),
    /**
     * @param {RunSummary[]} runs
     * @param {readonly string[]} wanted runs that are chosen, there or not
     * @returns {{arrived: string[], left: string[]}} since the list before
     */
    takeList(runs, wanted) {
      const names = new Set(runs.map(({ name }) => name));
      const [arrived, left] = [/** @type {string[]} */ ([]), /** @type {string[]} */ ([])];
      for (const name of wanted) if (name !== "") entry(name);
      for (const summary of runs) {
        const known = entry(summary.name);
        if (listed && (known.summary === null || known.gone)) arrived.push(summary.name);
        known.summary = summary;
        known.gone = false;
        if (summary.seconds_since_change !== null) known.changed = Date.now() - 1000 * summary.seconds_since_change;
      }
      for (const known of entries.values()) {
        if (names.has(known.name) || known.gone) continue;
        known.gone = true;
        known.tag = null;
        left.push(known.name);
      }
      listed = true;
      return { arrived, left };
    },
    /**
     * What was read before stays where the files can no longer be read.
     * @param {string} name
     * @param {RunDetail} detail
     * @param {string | null} tag
     */
    takeDetail(name, detail, tag) {
      const known = entry(name);
      known.detail = known.detail && detail.problem !== null && detail.curves === null ? known.detail : detail;
      Object.assign(known, { tag, problem: detail.problem });
    },
    /** @param {string} name @param {string} problem */
    takeProblem(name, problem) {
      Object.assign(entry(name), { problem, tag: null });
    },
  };
}

/** @typedef {ReturnType<typeof createKnown>} Known */
