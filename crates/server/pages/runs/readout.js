/** Below a chart: what each line is, and its value at the step that is pointed at. */

import { make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { pointAt } from "./curves.js";
import { swatch } from "./looks.js";
import { showKind, showValue, write } from "./words.js";

/** @typedef {import("./curves.js").Series} Series */

/** Extremes are read less closely than values. */
const RANGE_DIGITS = 4;
const KINDS = /** @type {const} */ (["train", "evaluate"]);

/** @param {string} metric */
export function createReadout(metric) {
  const title = make("caption");
  const head = make("thead");
  const body = make("tbody");
  // Heard only while somebody points: a training would speak every two seconds.
  const element = make("div", { class: "readout", role: "status", "aria-live": "off", "aria-atomic": "true" },
    make("table", {}, title, head, body));
  let drawn = "";
  /** @type {{value: HTMLElement, more: HTMLElement, series: Series}[]} */
  let cells = [];

  /** @param {Series[]} series */
  const frame = (series) => {
    const kinds = KINDS.filter((kind) => series.some((one) => one.kind === kind));
    const runs = [...new Map(series.map(({ run, place }) => [run, place]))].sort(([, a], [, b]) => a - b);
    cells = [];
    element.setAttribute("aria-label", t(`Values of ${metric}`, `${metric} 的数值`));
    head.replaceChildren(make("tr", {}, make("th", { scope: "col" }, t("run", "记录")),
      ...kinds.map((kind) => make("th", { scope: "col" }, showKind(kind)))));
    body.replaceChildren(...runs.map(([run, place]) => make("tr", { "data-run": run },
      make("th", { scope: "row" }, swatch(place), make("span", { class: "name" }, run)),
      ...kinds.map((kind) => {
        const found = series.find((one) => one.run === run && one.kind === kind);
        if (!found) return make("td");
        const [value, more] = [make("span", { class: "value" }), make("small")];
        cells.push({ value, more, series: found });
        return make("td", { "data-kind": kind, class: "number" }, value, more);
      }))));
  };

  return {
    element,
    /**
     * @param {Series[]} series
     * @param {number | null} step null: nobody points, the newest values are shown
     * @param {string} language
     */
    show(series, step, language) {
      const wanted = JSON.stringify([language, series.map(({ run, place, kind }) => [run, place, kind])]);
      if (wanted !== drawn) {
        drawn = wanted;
        frame(series);
      }
      // The frame outlives a series that has grown.
      for (const entry of cells) entry.series = series.find(({ run, kind }) => run === entry.series.run && kind === entry.series.kind) ?? entry.series;
      element.setAttribute("aria-live", step === null ? "off" : "polite");
      write(title, step === null ? t("newest values", "最新值") : t(`step ${step}`, `第 ${step} 步`));
      for (const { value, more, series: { points } } of cells) {
        const point = step === null ? points.at(-1) ?? null : pointAt(points, step);
        write(value, point ? showValue(point[1]) : "—");
        write(more, besides(point, step));
      }
    },
  };
}

/**
 * What else is to be said of a value: its own step where it is an earlier one, and the extremes where it stands for
 * several steps.
 * @param {import("./curves.js").Point | null} point
 * @param {number | null} step
 */
function besides(point, step) {
  if (!point) return "";
  const [at, , low, high] = point;
  return [
    step !== null && at !== step ? t(`at step ${at}`, `第 ${at} 步`) : "",
    low < high ? t(`${showValue(low, RANGE_DIGITS)} to ${showValue(high, RANGE_DIGITS)}`, `${showValue(low, RANGE_DIGITS)} 至 ${showValue(high, RANGE_DIGITS)}`) : "",
  ].filter(Boolean).map((text) => ` ${text}`).join(t(",", "，"));
}
