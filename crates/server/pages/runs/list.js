/** The runs: each with its state, and a box that chooses it. */

import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { swatch } from "./looks.js";
import { progressOf, showAgo, showValue, write } from "./words.js";

/**
 * @typedef {import("./known.js").Entry} Entry
 * @typedef {{name: string, place: number}[]} Chosen
 */

/** So many runs are found by looking; of more, a word of their name is asked for. */
const MANY = 8;

/**
 * @param {HTMLElement} host
 * @param {{toggle: (name: string) => void, none: () => void}} on
 */
export function mountList(host, on) {
  /** @type {Map<string, ReturnType<typeof createRow>>} */
  const rows = new Map();
  const filter = make("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  const none = button("", on.none, { class: "quiet" });
  const count = make("span", { class: "note" });
  const bar = make("div", { class: "list-bar" }, filter, count, none);
  const list = make("ul", { class: "run-list" });
  const empty = make("div");
  host.replaceChildren(empty, bar, list);

  const narrow = () => {
    const words = filter.value.trim().toLowerCase().split(/\s+/);
    for (const row of rows.values()) row.element.hidden = !words.every((word) => row.text().includes(word));
  };
  filter.addEventListener("input", narrow);
  list.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by === undefined || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const boxes = [...list.querySelectorAll("input")].filter((box) => box.checkVisibility());
    const next = boxes[boxes.findIndex((box) => box === document.activeElement) + by];
    event.preventDefault();
    next?.focus();
  });

  return {
    /** @param {Entry[]} entries @param {Chosen} chosen @param {boolean} listed */
    show(entries, chosen, listed) {
      empty.replaceChildren(...(listed && entries.length === 0 ? [howTo()] : []));
      bar.hidden = entries.length === 0;
      filter.hidden = entries.length <= MANY;
      filter.placeholder = t("Filter the runs", "筛选记录");
      filter.setAttribute("aria-label", t("Filter the runs by name or model", "按名称或模型筛选记录"));
      none.textContent = t("Choose none", "全不选");
      write(count, t(`${entries.length} ${entries.length === 1 ? "run" : "runs"}, ${chosen.length} chosen`, `共 ${entries.length} 个，已选 ${chosen.length} 个`));
      none.disabled = chosen.length === 0;
      entries.forEach((entry, at) => {
        let row = rows.get(entry.name);
        if (!row) {
          row = createRow(entry.name, () => on.toggle(entry.name));
          rows.set(entry.name, row);
          // Rows that stand already are not moved: they would lose the focus.
          list.insertBefore(row.element, list.children[at] ?? null);
        }
        row.show(entry, chosen.find(({ name }) => name === entry.name)?.place ?? null);
      });
      narrow();
    },
  };
}

/** What to do where there is no run. */
function howTo() {
  const code = (/** @type {string} */ text) => make("pre", { tabindex: "0" }, text);
  return make("div", { class: "how-to" },
    make("p", {}, t("There are no runs here yet.", "这里还没有训练记录。")),
    make("p", {}, t("A training writes a run folder:", "训练时会写出一个记录文件夹：")),
    code("upconv train MODEL --data DIR --out RUN"),
    make("p", {}, t("The server shows all run folders below the one that it is given:", "启动服务时给出一个文件夹，其下所有的记录都会显示：")),
    code("upconv serve --runs DIR"),
    make("p", { class: "note" }, t("A run that begins later appears by itself.", "之后开始的训练会自动出现。")));
}

/** @param {string} name @param {() => void} toggle */
function createRow(name, toggle) {
  const box = make("input", { type: "checkbox" });
  box.addEventListener("change", toggle);
  const look = make("span", { class: "look" });
  const state = make("span", { class: "state" });
  const progress = make("progress");
  const [facts, best, problem] = [make("p", { class: "facts" }), make("p", { class: "facts best" }), make("p", { class: "error" })];
  const element = make("li", { "data-run": name },
    make("div", { class: "run-head" }, make("label", {}, box, look, make("span", { class: "name" }, name)), state), progress, facts, best, problem);
  /** @type {number | null} */
  let shownPlace = null;
  let searched = name.toLowerCase();

  return {
    element,
    /** What the filter looks in. */
    text: () => searched,
    /** @param {Entry} entry @param {number | null} place */
    show(entry, place) {
      const { summary, gone } = entry;
      searched = `${name} ${summary?.model ?? ""}`.toLowerCase();
      box.checked = place !== null;
      if (place !== shownPlace) look.replaceChildren(...(place === null ? [] : [swatch(place)]));
      shownPlace = place;
      const training = !gone && summary?.state === "training";
      state.className = `state ${gone ? "gone" : training ? "training" : "resting"}`;
      write(state, gone ? summary ? t("gone", "已消失") : t("not here", "不存在") : training ? t("training", "训练中") : summary?.state === "resting" ? t("resting", "未在训练") : "");
      const far = summary ? progressOf(summary) : null;
      progress.hidden = far === null;
      if (far && (progress.value !== far.done || progress.max !== far.of)) [progress.max, progress.value] = [far.of, far.done];
      progress.setAttribute("aria-label", t(`progress of ${name}`, `${name} 的进度`));
      write(facts, summary ? factsOf(entry) : "");
      write(best, summary?.best ? bestOf(summary.best, summary.rule) : "");
      const wrong = gone ? goneText(entry) : summary?.problem ?? entry.problem ?? "";
      problem.hidden = wrong === "";
      write(problem, wrong);
      facts.hidden = facts.textContent === "";
      best.hidden = best.textContent === "";
    },
  };
}

/** @param {Entry} entry */
function factsOf({ summary, changed, gone }) {
  if (!summary) return "";
  const { model, step, epoch, length } = summary;
  const far = progressOf(summary);
  const parts = [model];
  if (far?.unit === "step") parts.push(t(`step ${step} of ${far.of}`, `第 ${step} 步，共 ${far.of} 步`));
  else if (far) parts.push(t(`epoch ${epoch} of ${far.of}`, `第 ${epoch} 轮，共 ${far.of} 轮`), t(`step ${step}`, `第 ${step} 步`));
  else if (step !== null) parts.push(t(`step ${step}`, `第 ${step} 步`), length);
  if (summary.seconds_since_change !== null && !gone) parts.push(showAgo(changed));
  return parts.filter(Boolean).join(" · ");
}

/** @param {{metric: string, value: number, step: number}} best @param {"max" | "min" | null} rule */
function bestOf({ metric, value, step }, rule) {
  const [en, zh] = rule === "max" ? ["highest", "最高"] : rule === "min" ? ["lowest", "最低"] : ["best", "最佳"];
  return t(`${en} ${metric} ${showValue(value)} at step ${step}`, `${metric} ${zh} ${showValue(value)}，在第 ${step} 步`);
}

/** @param {Entry} entry */
function goneText({ summary, detail }) {
  if (!summary) return t("There is no such run here.", "这里没有这个记录。");
  return detail ? t("The folder is gone. What was read of it is still shown.", "文件夹已不存在。读过的内容仍然显示。") : t("The folder is gone.", "文件夹已不存在。");
}
