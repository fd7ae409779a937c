/** The panels of the phases: outputs that lie a stride apart share their taps. */

import { kernel, output } from "./cells.js";
import { t } from "./language.js";

/**
 * @typedef {import("./cells.js").Shown} Shown
 * @typedef {import("./cells.js").Panel} Panel
 */

/** Phases that have a colour of their own, as many as in style.css; more come round again. */
const PHASES = 8;

/** @param {number} phase A, B, ..., Z, A1, ... */
export function phaseLetter(phase) {
  const letter = String.fromCharCode(65 + (phase % 26));
  return phase < 26 ? letter : letter + Math.floor(phase / 26);
}

/** @param {number} phase */
const phasePaint = (phase) => `phase-${phase % PHASES}`;

/**
 * @param {Shown} shown
 * @param {string} after
 * @returns {Panel}
 */
export function phasedKernel(shown, after) {
  const base = kernel(shown, after);
  const { taps } = shown.trace.phases;
  return {
    ...base,
    id: "phased w",
    title: t("Kernel w: the phase of each tap", "卷积核 w：各元素的相位"),
    look: (cell, lit) => {
      const look = base.look(cell, lit);
      const phase = taps[cell] ?? null;
      if (phase === null) return { ...look, paint: "zero", label: `${look.label}${t(", serves no output", "，不用于任何输出")}` };
      const letter = phaseLetter(phase);
      return { ...look, paint: phasePaint(phase), mark: letter, label: `${look.label}${t(`, phase ${letter}`, `，相位 ${letter}`)}` };
    },
  };
}

/**
 * @param {Shown} shown
 * @returns {Panel}
 */
export function phasedOutput(shown) {
  const base = output({ ...shown, shade: false });
  const { outputs } = shown.trace.phases;
  return {
    ...base,
    id: "phased y",
    title: t("Output y: cells of one phase share their taps", "输出 y：同一相位的格用同样的核元素"),
    look: (cell, lit) => {
      const look = base.look(cell, lit);
      const phase = outputs[cell] ?? 0;
      const letter = phaseLetter(phase);
      return { ...look, paint: phasePaint(phase), mark: letter, label: `${look.label}${t(`, phase ${letter}`, `，相位 ${letter}`)}` };
    },
  };
}
