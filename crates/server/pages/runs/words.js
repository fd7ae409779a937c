/** Numbers and times as this page says them. */

import { language, t } from "../shared/language.js";

const MINUS = "\u2212";
/** Six digits: more than a curve shows, and few enough to be read. */
const DIGITS = 6;

/** @param {number} value @param {number} [digits] */
export function showValue(value, digits = DIGITS) {
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-4 || size >= 1e7)
    ? value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e")
    : String(Number(value.toPrecision(digits)));
  return text.replaceAll("-", MINUS);
}

/**
 * How long ago, coarsely.
 * @param {number} time in milliseconds of the clock here
 */
export function showAgo(time) {
  const seconds = Math.max(0, Math.round((Date.now() - time) / 1000));
  const format = new Intl.RelativeTimeFormat(language() === "zh" ? "zh-CN" : "en", { style: "narrow" });
  if (seconds < 2) return t("just now", "刚刚");
  if (seconds < 60) return format.format(-seconds, "second");
  if (seconds < 3600) return format.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return format.format(-Math.floor(seconds / 3600), "hour");
  return format.format(-Math.floor(seconds / 86_400), "day");
}

/** @param {"train" | "evaluate"} kind */
export function showKind(kind) {
  return kind === "train" ? t("train", "训练") : t("evaluate", "评估");
}

/**
 * How far a run is, where its length is in steps or epochs.
 * @param {import("../shared/types.js").RunSummary} run
 */
export function progressOf({ length, step, epoch }) {
  const [, count, unit] = /^(\d+) (step|epoch)s?$/.exec(length ?? "") ?? [];
  const done = unit === "step" ? step : epoch;
  if (count === undefined || done === null) return null;
  return { done, of: Number(count), unit };
}

/** A setting as it is read: words without quotes. @param {import("../shared/types.js").Setting | undefined} value */
export function showSetting(value) {
  if (value === undefined) return "—";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * Writes only what is new: a screen reader reads it again otherwise, and a selection is lost.
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
