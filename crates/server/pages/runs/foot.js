/** What a chart can be taken along as: a drawing, a file of its values, and a table for who does not see it. */

import { button, make } from "../shared/elements.js";
import { language, t } from "../shared/language.js";
import { chartFile, save, valuesFile } from "./save.js";
import { showKind, showValue, write } from "./words.js";

/**
 * @typedef {import("./chart.js").View} View
 * @typedef {import("./curves.js").Series} Series
 */

/**
 * @param {string} metric
 * @param {SVGSVGElement} picture
 */
export function createFoot(metric, picture) {
  /** @type {View} */
  let view = { series: [], smoothing: 0, log: false, steps: [0, 1] };
  const file = metric.replaceAll(/[^\w.-]+/g, "-");
  const buttons = make("div", { class: "buttons" },
    button("SVG", () => save(chartFile(picture, metric, view.series), `${file}.svg`), { class: "quiet" }),
    button("CSV", () => save(valuesFile(metric, seen(view)), `${file}.csv`), { class: "quiet" }));
  const summary = make("summary");
  const host = make("div", { class: "scroll", tabindex: "0", role: "group" });
  const table = make("details", {}, summary, host);
  let drawn = "";

  // A table of thousands of cells is made when somebody opens it.
  const fill = () => {
    if (table.open) host.replaceChildren(valuesTable(seen(view)));
  };
  table.addEventListener("toggle", fill);

  return {
    buttons,
    table,
    /** @param {View} next */
    show(next) {
      view = next;
      if (language() !== drawn) {
        drawn = language();
        const [svg, csv] = buttons.children;
        svg?.setAttribute("aria-label", t(`Save the chart of ${metric} as SVG`, `把 ${metric} 的图存成 SVG`));
        csv?.setAttribute("aria-label", t(`Save the values of ${metric} as CSV`, `把 ${metric} 的数值存成 CSV`));
        write(summary, t("Table of values", "数值表"));
        host.setAttribute("aria-label", t(`Values of ${metric}, step by step`, `${metric} 各步的数值`));
      }
      fill();
    },
  };
}

/** The points of the steps that are seen. @param {View} view @returns {Series[]} */
function seen({ series, steps: [from, to] }) {
  return series.map((one) => ({ ...one, points: one.points.filter(([step]) => step >= from && step <= to) }));
}

/** A row for each step, a column for each curve. @param {Series[]} series */
function valuesTable(series) {
  /** @type {Map<number, string[]>} */
  const rows = new Map();
  series.forEach(({ points }, column) => {
    for (const [step, mean, low, high] of points) {
      const cells = rows.get(step) ?? series.map(() => "");
      rows.set(step, cells);
      cells[column] = low < high ? t(`${showValue(mean)} (${showValue(low)} to ${showValue(high)})`, `${showValue(mean)}（${showValue(low)} 至 ${showValue(high)}）`) : showValue(mean);
    }
  });
  return make("table", {},
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, t("step", "步")),
      ...series.map(({ run, kind }) => make("th", { scope: "col" }, `${run} ${showKind(kind)}`)))),
    make("tbody", {}, ...[...rows].sort(([a], [b]) => a - b).map(([step, cells]) => make("tr", {},
      make("th", { scope: "row" }, String(step)), ...cells.map((cell) => make("td", { class: "number" }, cell))))));
}
