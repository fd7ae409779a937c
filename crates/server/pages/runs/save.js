/** Files of a chart. */

import { make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { swatch } from "./looks.js";
import { draw, set } from "./svg.js";

/** @typedef {import("./curves.js").Series} Series */

/** What the styles of the page say of a drawing; a file has to say it itself. */
const SAID = ["fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-linecap", "stroke-linejoin", "opacity", "font-size"];
const ROW = 20;
const HEAD = 26;
const FONT = "system-ui, sans-serif";

/**
 * The chart as it is seen, with its name and a legend, as a file of its own.
 * @param {SVGSVGElement} picture
 * @param {string} metric
 * @param {Series[]} series
 */
export function chartFile(picture, metric, series) {
  const runs = [...new Map(series.map(({ run, place }) => [run, place]))].sort(([, a], [, b]) => a - b);
  const width = picture.clientWidth;
  const height = HEAD + picture.clientHeight + ROW * runs.length + 8;
  const page = getComputedStyle(document.body);
  const chart = copy(picture);
  set(chart, { y: HEAD, "aria-hidden": null });
  chart.querySelector(".pointed")?.remove();
  chart.querySelector(".selection")?.remove();
  const ink = { fill: page.color, "font-size": "13px" };
  const legend = runs.flatMap(([run, place], at) => {
    const y = HEAD + picture.clientHeight + ROW * at + 4;
    // Styles hold only for what is in the page.
    const sample = swatch(place);
    picture.parentElement?.append(sample);
    const line = copy(sample);
    sample.remove();
    set(line, { x: 14, y, "aria-hidden": null });
    return [line, draw("text", { ...ink, x: 56, y: y + 10 }, run)];
  });
  const file = draw("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}`, "font-family": FONT },
    draw("title", {}, t(`${metric}, by steps`, `${metric}，横轴为步数`)),
    draw("rect", { width, height, fill: page.backgroundColor }),
    draw("text", { ...ink, "font-weight": 600, x: 14, y: 18 }, metric), chart, ...legend);
  return new Blob([new XMLSerializer().serializeToString(file)], { type: "image/svg+xml" });
}

/** A copy that looks the same without the styles of the page. @param {SVGSVGElement} picture */
function copy(picture) {
  const made = /** @type {SVGSVGElement} */ (picture.cloneNode(true));
  const [from, to] = [picture.querySelectorAll("*"), made.querySelectorAll("*")];
  from.forEach((element, at) => {
    const [style, target] = [getComputedStyle(element), to[at]];
    if (!target || element.localName === "clipPath") return;
    for (const name of SAID) target.setAttribute(name, style.getPropertyValue(name));
  });
  return made;
}

/**
 * One line for each point that is shown; the numbers are whole.
 * @param {string} metric
 * @param {Series[]} series
 */
export function valuesFile(metric, series) {
  const lines = ["run,metric,kind,step,mean,low,high"];
  for (const { run, kind, points } of series) {
    for (const point of points) lines.push([quoted(run), quoted(metric), kind, ...point].join(","));
  }
  return new Blob([`${lines.join("\n")}\n`], { type: "text/csv" });
}

/** @param {string} text */
function quoted(text) {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {Blob} file @param {string} name */
export function save(file, name) {
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: name }).click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
