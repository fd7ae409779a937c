/** All charts, and what holds for all of them: smoothing, scale, the steps that are seen, which metrics. */

import { button, make } from "../shared/elements.js";
import { language, t } from "../shared/language.js";
import { createChart } from "./chart.js";
import { chartsOf, stepsSpanned } from "./curves.js";
import { MOST_SMOOTHING } from "./state.js";
import { write } from "./words.js";

/**
 * @typedef {import("./state.js").State} State
 * @typedef {import("./state.js").Store} Store
 * @typedef {import("../shared/types.js").Curve} Curve
 */

/**
 * @param {HTMLElement} bar
 * @param {HTMLElement} host
 * @param {Store} store
 */
export function mountCharts(bar, host, store) {
  /** @type {Map<string, ReturnType<typeof createChart>>} */
  const charts = new Map();
  /** @type {[number, number] | null} */
  let span = null;
  const nothing = make("p", { class: "note" });
  const grid = make("div", { class: "charts" });
  const help = make("p", { class: "note help", id: "chart-help" });
  host.replaceChildren(nothing, grid, help);
  const controls = mountControls(bar, store, () => span);

  /** @param {number | null} step */
  const point = (step) => {
    for (const chart of charts.values()) chart.point(step);
  };
  /** @param {[number, number] | null} range */
  const zoom = (range) => {
    if (range === null && store.get().zoom === null) return false;
    store.set({ zoom: range });
    return true;
  };

  return {
    /**
     * @param {{name: string, place: number, curves: Curve[]}[]} runs that are chosen and read
     * @param {State} state
     * @param {boolean} waiting whether a chosen run is still to come
     */
    show(runs, state, waiting) {
      const all = chartsOf(runs);
      span = stepsSpanned(all);
      const shown = all.filter(({ metric }) => !state.hidden.includes(metric));
      const steps = inside(state.zoom, span);
      bar.hidden = all.length === 0;
      if (all.length) controls.show(all.map(({ metric }) => metric), state);
      help.hidden = shown.length === 0;
      write(help, t(
        "Lines are training, markers on dashes evaluation; a pale band spans the steps that a point stands for. Point by mouse, finger or arrow keys. To see fewer steps, drag, or hold Shift with the arrow keys and press Enter; Escape or a double click goes back.",
        "线是训练，虚线上的标记是评估；浅色带是一个点所代表的各步的范围。用鼠标、手指或方向键指向某一步。要只看一段，拖动鼠标，或按住 Shift 用方向键选好再按回车；按 Esc 或双击还原。"));
      nothing.hidden = shown.length > 0;
      write(nothing, runs.length === 0 && !waiting ? t("Choose a run, or several, to see their curves over each other.", "选择一个或几个记录，它们的曲线会画在一起。")
        : waiting ? t("Reading …", "正在读取 …")
          : all.length === 0 ? t("No values yet: the first step that is logged will appear here.", "还没有数值：记下第一步之后会显示在这里。")
            : t("All metrics are hidden.", "所有指标都已隐藏。"));
      for (const [metric, chart] of charts) {
        if (shown.some((one) => one.metric === metric)) continue;
        chart.element.remove();
        charts.delete(metric);
      }
      shown.forEach(({ metric, series }, at) => {
        let chart = charts.get(metric);
        if (!chart) {
          chart = createChart(metric, { point, zoom });
          charts.set(metric, chart);
        }
        // A chart that stands already is not moved: it would lose the focus.
        if (!chart.element.isConnected) grid.insertBefore(chart.element, grid.children[at] ?? null);
        chart.show({ series, smoothing: state.smoothing, log: state.log, steps });
      });
    },
  };
}

/**
 * The chosen steps as far as there are any.
 * @param {[number, number] | null} zoom
 * @param {[number, number] | null} span
 * @returns {[number, number]}
 */
function inside(zoom, span) {
  if (!span) return [0, 1];
  if (!zoom) return span;
  const [from, to] = [Math.max(zoom[0], span[0]), Math.min(zoom[1], span[1])];
  return from < to ? [from, to] : span;
}

/**
 * @param {HTMLElement} bar
 * @param {Store} store
 * @param {() => [number, number] | null} span
 */
function mountControls(bar, store, span) {
  let drawn = "";
  const slider = make("input", { type: "range", min: "0", max: String(MOST_SMOOTHING), step: "0.01", id: "smoothing" });
  const amount = make("output", { for: "smoothing" });
  const log = make("input", { type: "checkbox" });
  const [from, to] = [make("input", { type: "number", min: "0", step: "1" }), make("input", { type: "number", min: "0", step: "1" })];
  const whole = button("", () => {
    store.set({ zoom: null });
    // The button goes away: the focus stays nearby.
    from.focus();
  });
  const metrics = make("fieldset", { class: "metrics" });

  slider.addEventListener("input", () => store.set({ smoothing: slider.valueAsNumber }, { passing: true }));
  log.addEventListener("change", () => store.set({ log: log.checked }));
  const range = () => {
    const [first, last] = [from.valueAsNumber, to.valueAsNumber];
    const all = span();
    if (!all) return;
    /** @type {[number, number]} */
    const wanted = [Number.isFinite(first) ? first : all[0], Number.isFinite(last) ? last : all[1]];
    const valid = wanted[0] < wanted[1];
    for (const field of [from, to]) field.setCustomValidity(valid ? "" : t("the first step has to be before the last", "起始步必须小于结束步"));
    if (!valid) from.reportValidity();
    else store.set({ zoom: wanted[0] <= all[0] && wanted[1] >= all[1] ? null : wanted });
  };
  from.addEventListener("change", range);
  to.addEventListener("change", range);

  /** @param {string[]} names @param {State} state */
  const frame = (names, state) => {
    whole.textContent = t("All steps", "全部步数");
    bar.replaceChildren(
      make("div", { class: "bar-of-fields" },
        make("label", {}, t("Smoothing of training lines (drawing only) ", "训练曲线平滑（只影响画法） "), make("span", { class: "slid" }, slider, amount)),
        make("label", {}, log, t(" log scale", " 对数坐标")),
        make("span", { class: "range" }, make("label", {}, t("Steps from ", "步数从 "), from), make("label", {}, t(" to ", " 到 "), to), whole)),
      metrics);
    metrics.replaceChildren(make("legend", { class: "visually-hidden" }, t("Metrics", "指标")), make("div", { class: "pills" }, ...names.map((name) => {
      const box = make("input", { type: "checkbox", checked: !state.hidden.includes(name) });
      box.addEventListener("change", () => {
        const { hidden } = store.get();
        store.set({ hidden: box.checked ? hidden.filter((one) => one !== name) : [...hidden, name] });
      });
      return make("label", { "data-metric": name }, box, make("span", {}, name));
    })));
  };

  return {
    /** @param {string[]} names @param {State} state */
    show(names, state) {
      const wanted = JSON.stringify([language(), names]);
      if (wanted !== drawn) {
        drawn = wanted;
        frame(names, state);
      }
      if (slider !== document.activeElement || slider.valueAsNumber !== state.smoothing) slider.value = String(state.smoothing);
      write(amount, state.smoothing.toFixed(2));
      log.checked = state.log;
      whole.hidden = state.zoom === null;
      const all = span();
      [from, to].forEach((field, at) => {
        field.placeholder = String(all?.[at] ?? "");
        if (field !== document.activeElement) field.value = state.zoom ? String(state.zoom[at]) : "";
      });
      metrics.hidden = names.length < 2;
      for (const label of metrics.querySelectorAll("label")) {
        const box = label.querySelector("input");
        if (box) box.checked = !state.hidden.includes(label.dataset.metric ?? "");
      }
    },
  };
}
