/** Asking again where the server is full: it says itself how long to wait. */

import { ApiError } from "../shared/api.js";

/** Too many of this client, and too many of all. */
const FULL = [429, 503];
const MOST_TRIES = 5;
/** Seconds, where the server does not say. */
const USUAL = 2;

/** @typedef {(error: ApiError | null, seconds: number) => void} OnWait null when the waiting is over */

/**
 * @template T
 * @param {() => Promise<T>} ask
 * @param {{signal?: AbortSignal, onWait: OnWait}} how
 * @returns {Promise<T>}
 */
export async function patiently(ask, { signal, onWait }) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ApiError) || !FULL.includes(error.status) || tries === MOST_TRIES) throw error;
      for (let left = error.retryAfter ?? USUAL; left > 0; left -= 1) {
        onWait(error, left);
        await pause(Math.min(left, 1) * 1000, signal);
      }
      onWait(null, 0);
    }
  }
}

/** @param {number} milliseconds @param {AbortSignal} [signal] */
function pause(milliseconds, signal) {
  return new Promise((done, fail) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      fail(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      done(undefined);
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
