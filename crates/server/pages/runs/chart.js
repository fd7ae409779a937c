/** One chart: the curves of a metric over each other. */

import { make } from "../shared/elements.js";
import { language, t } from "../shared/language.js";
import { around, bandPath, linePath, markerPath } from "./paths.js";
import { lastUpTo, pointAt, smoothed, stepsOf } from "./curves.js";
import { lookOf } from "./looks.js";
import { mountPointing } from "./pointing.js";
import { createReadout } from "./readout.js";
import { roomy, scale, ticks } from "./scale.js";
import { draw, set } from "./svg.js";
import { createFoot } from "./foot.js";
import { write } from "./words.js";

/**
 * @typedef {import("./curves.js").Series} Series
 * @typedef {import("./scale.js").Scale} Scale
 */
/**
 * @typedef {object} View
 * @property {Series[]} series
 * @property {number} smoothing
 * @property {boolean} log
 * @property {[number, number]} steps the first and the last that are seen
 */

const HEIGHT = 250;
const FRAME = { left: 58, right: 14, top: 10, bottom: 34 };
/** Pixels between ticks. */
const TICKS = { x: 70, y: 34 };

let count = 0;

/**
 * @param {string} metric
 * @param {object} on
 * @param {(step: number | null) => void} on.point all charts show what one points at
 * @param {(steps: [number, number] | null) => boolean} on.zoom
 */
export function createChart(metric, on) {
  count += 1;
  const clip = `clip-${count}`;
  const box = draw("rect", { y: FRAME.top, height: HEIGHT - FRAME.top - FRAME.bottom, x: FRAME.left });
  const layers = { axes: draw("g", { class: "axes" }), train: draw("g", { "clip-path": `url(#${clip})` }), evaluate: draw("g", { "clip-path": `url(#${clip})` }), pointed: draw("g", { class: "pointed" }) };
  const selection = draw("rect", { class: "selection", y: FRAME.top, height: HEIGHT - FRAME.top - FRAME.bottom, visibility: "hidden" });
  const picture = draw("svg", { height: HEIGHT, "aria-hidden": "true" },
    draw("clipPath", { id: clip }, box), layers.axes, layers.train, layers.evaluate, selection, layers.pointed);
  const plot = make("div", { class: "plot", tabindex: "0", role: "slider", "aria-describedby": "chart-help" }, picture);
  const leftOut = make("p", { class: "note", hidden: true });
  const readout = createReadout(metric);
  const foot = createFoot(metric, picture);
  const element = make("section", { class: "chart", "data-metric": metric, "aria-label": metric },
    make("div", { class: "titled" }, make("h3", {}, metric), foot.buttons), plot, leftOut, readout.element, foot.table);

  /** @type {View} */
  let view = { series: [], smoothing: 0, log: false, steps: [0, 1] };
  /** @type {Scale} */
  let x = scale(0, 1, 0, 1);
  let y = x;
  /** @type {number | null} */
  let pointed = null;
  /** Steps with a point that are seen. @type {number[]} */
  let steps = [];
  let drawn = "";
  /** The points that were drawn. @type {unknown[]} */
  let before = [];
  /** @type {Map<string, ReturnType<typeof createLine>>} */
  const lines = new Map();

  const redraw = () => {
    const width = plot.clientWidth;
    if (width === 0) return;
    set(picture, { width, viewBox: `0 0 ${width} ${HEIGHT}` });
    const right = Math.max(FRAME.left + 40, width - FRAME.right);
    set(box, { width: right - FRAME.left });
    const [from, to] = view.steps;
    x = from < to ? scale(from, to, FRAME.left, right) : scale(from - 1, to + 1, FRAME.left, right);
    const seen = view.series.map((series) => ({ series, points: around(series.points, [x.low, x.high]) }));
    const { low, high, without } = extremes(seen, view);
    y = scale(...roomy(low, high, view.log), HEIGHT - FRAME.bottom, FRAME.top, view.log);
    drawAxes(layers.axes, x, y, right);
    const wanted = new Set(seen.map(({ series }) => keyOf(series)));
    for (const [key, line] of lines) {
      if (wanted.has(key)) continue;
      line.element.remove();
      lines.delete(key);
    }
    for (const { series, points } of seen) {
      const line = lines.get(keyOf(series)) ?? createLine(series);
      lines.set(keyOf(series), line);
      // Markers stand above all lines, whichever run came first.
      if (!line.element.isConnected) layers[series.kind].append(line.element);
      const drawnPoints = series.kind === "train" ? around(smoothed(series.points, view.smoothing), [x.low, x.high]) : points;
      line.show({ points, drawn: drawnPoints, smooth: series.kind === "train" && view.smoothing > 0 }, x, y);
    }
    leftOut.hidden = without === 0;
    write(leftOut, t(`Values of 0 or less have no place on a log scale: ${without} left out.`, `对数坐标上没有 0 和负数的位置：略去 ${without} 个值。`));
    drawPointed();
  };

  const drawPointed = () => {
    const step = pointed !== null && pointed >= x.low && pointed <= x.high ? pointed : null;
    readout.show(view.series, step, language());
    set(plot, {
      "aria-label": t(`${metric}, by steps`, `${metric}，横轴为步数`),
      "aria-valuemin": view.steps[0], "aria-valuemax": view.steps[1], "aria-valuenow": step ?? view.steps[1],
      "aria-valuetext": step === null ? t("no step pointed at", "未指向任何一步") : t(`step ${step}`, `第 ${step} 步`),
      "data-step": step,
    });
    if (step === null) {
      layers.pointed.replaceChildren();
      return;
    }
    const at = x.at(step);
    const dots = view.series.flatMap(({ place, points }) => {
      const point = pointAt(points, step);
      if (!point || point[0] < x.low || (y.log && point[1] <= 0)) return [];
      return [draw("circle", { class: lookOf(place).colour, cx: x.at(point[0]), cy: y.at(point[1]), r: 4 })];
    });
    layers.pointed.replaceChildren(draw("line", { x1: at, x2: at, y1: FRAME.top, y2: HEIGHT - FRAME.bottom }), ...dots);
  };

  mountPointing(plot, {
    steps: () => steps,
    pointed: () => pointed,
    stepAt: (place) => x.value(Math.max(FRAME.left, Math.min(x.at(x.high), place))),
    point: on.point,
    zoom: on.zoom,
    select: (range) => set(selection, range
      ? { visibility: "visible", x: x.at(range[0]), width: x.at(range[1]) - x.at(range[0]) } : { visibility: "hidden" }),
  });
  new ResizeObserver(redraw).observe(plot);

  return {
    element,
    /** @param {View} next */
    show(next) {
      const wanted = JSON.stringify([language(), next.smoothing, next.log, next.steps, next.series.map(keyOf)]);
      const points = next.series.map((series) => series.points);
      // What is still the same is not drawn again.
      if (wanted === drawn && points.length === before.length && points.every((list, at) => list === before[at])) return;
      [drawn, before, view] = [wanted, points, next];
      const all = stepsOf(view.series);
      steps = all.slice(lastUpTo(all, view.steps[0] - 1, (step) => step) + 1, lastUpTo(all, view.steps[1], (step) => step) + 1);
      redraw();
      foot.show(view);
    },
    /** @param {number | null} step */
    point(step) {
      if (step === pointed) return;
      pointed = step;
      drawPointed();
    },
  };
}

/** @param {Series} series */
function keyOf({ run, place, kind }) {
  return `${place} ${kind} ${run}`;
}

/**
 * The lowest and the highest that are drawn, and how many points have no place on a log scale.
 * @param {{series: Series, points: import("./curves.js").Point[]}[]} seen
 * @param {View} view
 */
function extremes(seen, { log, steps: [from, to] }) {
  let [low, high, without] = [Infinity, -Infinity, 0];
  for (const { points } of seen) {
    for (const [step, mean, least, most] of points) {
      if (step < from || step > to) continue;
      if (log && mean <= 0) without += 1;
      for (const value of [mean, least, most]) {
        if (log && value <= 0) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  }
  return low <= high ? { low, high, without } : { low: log ? 0.1 : 0, high: 1, without };
}

/** @param {SVGGElement} host @param {Scale} x @param {Scale} y @param {number} right */
function drawAxes(host, x, y, right) {
  const bottom = HEIGHT - FRAME.bottom;
  const along = ticks(x, (right - FRAME.left) / TICKS.x, true).map(({ value, text }) => draw("g", { class: "x", "data-value": value },
    draw("line", { x1: x.at(value), x2: x.at(value), y1: bottom, y2: bottom + 4 }),
    draw("text", { x: x.at(value), y: bottom + 17, "text-anchor": "middle" }, text)));
  const up = ticks(y, (bottom - FRAME.top) / TICKS.y).map(({ value, text }) => draw("g", { class: "y", "data-value": value },
    draw("line", { class: "grid-line", x1: FRAME.left, x2: right, y1: y.at(value), y2: y.at(value) }),
    draw("text", { x: FRAME.left - 7, y: y.at(value) + 4, "text-anchor": "end" }, text)));
  host.replaceChildren(...up, draw("line", { x1: FRAME.left, x2: right, y1: bottom, y2: bottom }), ...along,
    draw("text", { class: "axis-name", x: right, y: bottom + 31, "text-anchor": "end" }, t("step", "步")));
}

/** The elements of one curve. @param {Series} series */
function createLine({ run, place, kind }) {
  const { colour, dash, marker } = lookOf(place);
  const evaluate = kind === "evaluate";
  const parts = {
    band: draw("path", { class: "band" }), raw: draw("path", { class: "raw" }),
    line: draw("path", evaluate ? { class: "line thin", "stroke-dasharray": "4 3" } : { class: "line", "stroke-dasharray": dash || null }),
    markers: draw("path", { class: "marker" }),
  };
  return {
    element: draw("g", { class: colour, "data-run": run, "data-kind": kind }, parts.band, parts.raw, parts.line, parts.markers),
    /**
     * @param {{points: import("./curves.js").Point[], drawn: import("./curves.js").Point[], smooth: boolean}} what
     * @param {Scale} x
     * @param {Scale} y
     */
    show({ points, drawn, smooth }, x, y) {
      set(parts.band, { d: bandPath(points, x, y) });
      set(parts.raw, { d: smooth ? linePath(points, x, y) : "" });
      set(parts.line, { d: linePath(drawn, x, y) });
      set(parts.markers, { d: evaluate ? markerPath(points, x, y, marker) : "" });
    },
  };
}
