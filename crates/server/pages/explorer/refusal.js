/** What is offered where a setting is refused: one press for each thing that is legal. */

import { plan } from "../shared/api.js";
import { t } from "../shared/language.js";
import { showSize } from "../shared/numbers.js";
import { sizeFields } from "./fields.js";
import { WORDS } from "./state.js";

/**
 * @typedef {import("../shared/types.js").ErrorObject} ErrorObject
 * @typedef {import("../shared/types.js").Plan} Plan
 * @typedef {import("../shared/types.js").Words} Words
 * @typedef {import("./state.js").State} State
 * @typedef {import("./state.js").Store} Store
 */
/** @typedef {{text: string, take: () => void}} Offer */

/** Settings that are offered for the size that was shown last. */
const MOST_PLANNED = 3;
/** Words that may be left out. @type {(keyof Words)[]} */
const OPTIONAL = ["stride", "dilation", "groups", "padding", "output", "output_padding"];

/**
 * What the error itself says, and leaving the word out.
 * @param {Store} store
 * @param {ErrorObject} error
 * @returns {Offer[]}
 */
export function offersOf(store, error) {
  const field = WORDS.find((word) => word === error.field);
  if (!field) return [];
  const { words } = store.get();
  /** @param {string} value @returns {Offer} */
  const offer = (value) => ({ text: value, take: () => store.set({ words: { [field]: value } }) });
  const offers = (error.legal ?? []).map((legal) => offer(replaced(words, field, error.axis, legal)));
  if (OPTIONAL.includes(field) && words[field]) {
    offers.push({ text: t("leave it out", "不设这一项"), take: () => store.set({ words: { [field]: "" } }) });
  }
  return offers;
}

/**
 * The word with one axis replaced; a word of one number stands for all axes.
 * @param {Required<Words>} words
 * @param {keyof Words} field
 * @param {number | null} axis
 * @param {number} value
 */
function replaced(words, field, axis, value) {
  const parts = words[field].split(/x/i);
  if (axis === null || parts.length === 1) return String(value);
  parts[axis] = String(value);
  return parts.join("x");
}

/**
 * Settings of the dialect that reach a size.
 * @param {Store} store
 * @param {number[]} size
 * @param {AbortSignal} signal
 * @returns {Promise<Offer[]>}
 */
export async function plannedOffers(store, size, signal) {
  const { dialect, input, kernel, stride } = store.get().words;
  const { settings } = await plan(input, showSize(size), dialect, signal);
  const labels = Object.fromEntries(sizeFields().map(({ name, label }) => [name, label]));
  // First those that are nearest to what was asked for, then in the order of the planner.
  const distance = (/** @type {Plan} */ setting) => [says(kernel, setting.kernel), says(stride || "1", setting.stride)].filter((same) => !same).length;
  return settings.toSorted((a, b) => distance(a) - distance(b)).slice(0, MOST_PLANNED).map((setting) => {
    const words = wordsOf(setting, showSize(size));
    const said = Object.entries(words).filter(([, value]) => value)
      .map(([name, value]) => `${labels[name] ?? t("Padding", "填充")} ${value}`).join(t(", ", "，"));
    return { text: said, take: () => store.set({ words }) };
  });
}

/** Whether a word, of which one number stands for all axes, says these sides. @param {string} word @param {number[]} sides */
function says(word, sides) {
  return word === showSize(sides) || sides.every((side) => word === String(side));
}

/** Dialects in which the output size is an argument of its own. */
const SIZED = ["tensorflow", "tflite"];

/** @param {Plan} setting @param {string} size @returns {Words} */
function wordsOf({ dialect, kernel, stride, dilation, padding, output_padding }, size) {
  return {
    kernel: showSize(kernel), stride: showSize(stride), dilation: dilation.every((d) => d === 1) ? "" : showSize(dilation),
    padding, output: SIZED.includes(dialect) ? size : "",
    output_padding: output_padding?.some((added) => added > 0) ? showSize(output_padding) : "",
  };
}
