/** How long each part of the work took: a stacked bar, and the same in numbers. */

import { make } from "../shared/elements.js";
import { t } from "../shared/language.js";

/** @typedef {import("../shared/types.js").Milliseconds} Milliseconds */

/** @param {string} part */
function name(part) {
  switch (part) {
    case "wait": return t("waiting", "等待");
    case "decode": return t("decoding", "解码");
    case "resize": return t("resizing", "缩放");
    case "network": return t("network", "网络");
    case "write": return t("writing", "写出");
    default: return part;
  }
}

/**
 * @param {Milliseconds} ms as the server measured them, in their order
 * @param {number} roundTrip as the browser saw it
 */
export function timingsFigure(ms, roundTrip) {
  const parts = Object.entries(ms).map(([part, time], at) => ({ label: name(part), time, paint: `phase-${at}` }));
  const server = parts.reduce((sum, { time }) => sum + time, 0);
  // The clocks are two: the rest may come out a hair below nothing.
  const rest = { label: t("on the way", "传输"), time: Math.max(0, roundTrip - server), paint: "zero" };
  const all = [...parts, rest];
  const bar = make("div", { class: "stack", "aria-hidden": "true" }, ...all.map(({ time, paint }) => {
    const piece = make("span", { "data-paint": paint });
    piece.style.flexGrow = String(time);
    return piece;
  }));
  return make("figure", { class: "timings" }, bar,
    make("ul", {}, ...all.map(({ label, time, paint }) => make("li", {},
      make("span", { class: "swatch", "data-paint": paint, "aria-hidden": "true" }), `${label} `, make("strong", {}, showMs(time))))),
    make("figcaption", { class: "note" }, t(`Round trip as the browser saw it: ${showMs(roundTrip)}`, `浏览器看到的往返时间：${showMs(roundTrip)}`)));
}

/** @param {number} time */
export const showMs = (time) => `${time.toFixed(time < 9.95 ? 1 : 0)} ms`;
