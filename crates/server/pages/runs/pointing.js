/** Pointing at a chart by mouse, finger and keyboard, and choosing a range of steps to look at. */

import { lastUpTo } from "./curves.js";

/** Pixels of a drag that is meant. */
const SHORTEST_DRAG = 5;
/** Points that Page Up and Page Down pass. */
const PAGE = 10;

/**
 * @param {HTMLElement} plot
 * @param {object} on
 * @param {() => number[]} on.steps that have a point and are seen, in order
 * @param {() => number | null} on.pointed
 * @param {(place: number) => number} on.stepAt the step, with a fraction, at a pixel of the plot
 * @param {(step: number | null) => void} on.point
 * @param {(range: [number, number] | null) => void} on.select a range that is being chosen
 * @param {(range: [number, number] | null) => boolean} on.zoom null: back to all; false: it was all already
 */
export function mountPointing(plot, on) {
  /** Where a drag began, in pixels. @type {number | null} */
  let pressed = null;
  /** Where a range began that is chosen by keyboard. @type {number | null} */
  let anchor = null;

  /** @param {PointerEvent} event */
  const place = (event) => event.clientX - plot.getBoundingClientRect().left;

  /** @param {number} wanted */
  const nearest = (wanted) => {
    const steps = on.steps();
    const before = lastUpTo(steps, wanted, (step) => step);
    const [low, high] = [steps[before], steps[before + 1]];
    if (low === undefined || high === undefined) return low ?? high ?? null;
    return wanted - low <= high - wanted ? low : high;
  };

  /** @param {number} from @param {number} to @returns {[number, number]} */
  const range = (from, to) => [Math.round(Math.min(from, to)), Math.round(Math.max(from, to))];

  /** @param {PointerEvent} event */
  const dragged = (event) => {
    if (pressed === null || Math.abs(place(event) - pressed) < SHORTEST_DRAG) return null;
    const [from, to] = range(on.stepAt(pressed), on.stepAt(place(event)));
    return from < to ? /** @type {[number, number]} */ ([from, to]) : null;
  };

  plot.addEventListener("pointerdown", (event) => {
    on.point(nearest(on.stepAt(place(event))));
    // A finger that moves points; the page scrolls up and down below it.
    if (event.button !== 0 || event.pointerType === "touch") return;
    pressed = place(event);
    plot.setPointerCapture(event.pointerId);
  });
  plot.addEventListener("pointermove", (event) => {
    on.point(nearest(on.stepAt(place(event))));
    if (pressed !== null) on.select(dragged(event));
  });
  plot.addEventListener("pointerup", (event) => {
    const chosen = dragged(event);
    pressed = null;
    on.select(null);
    if (chosen) on.zoom(chosen);
  });
  plot.addEventListener("pointercancel", () => {
    pressed = null;
    on.select(null);
  });
  plot.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch" && pressed === null) on.point(null);
  });
  plot.addEventListener("dblclick", () => on.zoom(null));

  plot.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = on.steps();
    const now = on.pointed();
    const last = steps.length - 1;
    const at = now === null ? last : lastUpTo(steps, now, (step) => step);
    /** @type {Record<string, number>} */
    const moves = { ArrowLeft: now === null ? last : at - 1, ArrowRight: now === null ? last : at + 1, Home: 0, End: last, PageUp: at - PAGE, PageDown: at + PAGE };
    const move = moves[event.key];
    if (move !== undefined) {
      const step = steps[Math.max(0, Math.min(last, move))];
      if (step === undefined) return;
      event.preventDefault();
      if (event.shiftKey) anchor ??= now ?? step;
      else anchor = null;
      on.point(step);
      on.select(anchor === null || anchor === step ? null : range(anchor, step));
    } else if (event.key === "Enter" && anchor !== null && now !== null && anchor !== now) {
      event.preventDefault();
      on.zoom(range(anchor, now));
      anchor = null;
      on.select(null);
    } else if (event.key === "Escape") {
      if (pressed !== null || anchor !== null) {
        [pressed, anchor] = [null, null];
        on.select(null);
      } else if (!on.zoom(null)) {
        on.point(null);
      }
    }
  });
  plot.addEventListener("blur", () => {
    anchor = null;
    on.select(null);
  });
}
