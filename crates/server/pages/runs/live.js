/** Asks for the runs again and again, as often as there is something to expect. */

import { ApiError, run, runs } from "../shared/api.js";
import { t } from "../shared/language.js";

/** @typedef {import("../shared/types.js").RunSummary} RunSummary */

/** Milliseconds from an answer to the next question while a run is trained, and while none is. */
const LIVELY = 2_000;
const QUIET = 10_000;
/** Seconds to the next try where the server is not reached: twice as long each time, up to this. */
const LONGEST_PAUSE = 60;
/** Milliseconds after which no answer comes any more. */
const LONGEST_ANSWER = 30_000;
/** The server has too much to do, which passes. */
const BUSY = [429, 503];

/**
 * @param {object} on
 * @param {() => {name: string, tag: string | null}[]} on.wanted the runs whose curves are shown, after each list
 * @param {(runs: RunSummary[]) => void} on.list
 * @param {(name: string, answer: {run: import("../shared/types.js").RunDetail, tag: string | null}) => void} on.run
 * @param {(name: string, error: ApiError) => void} on.refused one run cannot be read; the others can
 * @param {() => void} on.round all of it is there
 * @param {(error: ApiError, seconds: number) => void} on.trouble nothing can be read; when it is tried again
 */
export function watchRuns(on) {
  let timer = 0;
  let failures = 0;
  let paused = false;
  let [asking, again] = [false, false];
  let lively = false;

  const round = async () => {
    if (asking) {
      again = true;
      return;
    }
    clearTimeout(timer);
    asking = true;
    let pause = QUIET;
    try {
      const list = (await answered(runs(AbortSignal.timeout(LONGEST_ANSWER)))).runs;
      lively = list.some(({ state }) => state === "training");
      on.list(list);
      await Promise.all(on.wanted().map(readOne));
      failures = 0;
      pause = lively ? LIVELY : QUIET;
      on.round();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failures += 1;
      const seconds = error.retryAfter ?? Math.min(LONGEST_PAUSE, 2 ** failures);
      pause = 1000 * seconds;
      on.trouble(error, seconds);
    } finally {
      asking = false;
    }
    if (again && failures === 0) {
      again = false;
      void round();
      return;
    }
    again = false;
    // Nobody looks: the page asks again when it is seen.
    if (!paused && !document.hidden) timer = setTimeout(round, pause);
  };

  /** @param {{name: string, tag: string | null}} wanted */
  const readOne = async ({ name, tag }) => {
    try {
      const answer = await answered(run(name, tag, AbortSignal.timeout(LONGEST_ANSWER)));
      if (answer) on.run(name, answer);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 0 || BUSY.includes(error.status)) throw error;
      on.refused(name, error);
    }
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else if (!paused) void round();
  });

  return {
    /** Now: something was chosen, or somebody does not want to wait. */
    ask: () => void round(),
    paused: () => paused,
    /** Seconds from one question to the next. */
    every: () => (lively ? LIVELY : QUIET) / 1000,
    /** @param {boolean} wanted */
    pause(wanted) {
      paused = wanted;
      clearTimeout(timer);
      if (!paused) void round();
    },
  };
}

/**
 * An answer that ends in the middle is none, as of a server that was stopped.
 * @template T
 * @param {Promise<T>} answer
 * @returns {Promise<T>}
 */
async function answered(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(0, { message: t("the answer broke off", "回答中断了") });
  }
}
