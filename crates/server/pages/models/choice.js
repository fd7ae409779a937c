/** What to do, and with which network: drawn from the server's list, so that what is added there appears here. */

import { make } from "../shared/elements.js";
import { language, t } from "../shared/language.js";

/**
 * @typedef {import("../shared/types.js").Registry} Registry
 * @typedef {import("../shared/types.js").Network} Network
 * @typedef {import("./state.js").State} State
 * @typedef {import("./state.js").Store} Store
 */

/** The tasks that this page can show; each has a place even where no network is served for it. */
const KNOWN = ["segment", "classify", "draw"];

/** @param {Registry} registry */
export function tasksOf({ networks }) {
  return [...new Set([...KNOWN, ...networks.map(({ task }) => task)])];
}

/**
 * The task and the network that a state means, as the server has them.
 * @param {Registry} registry
 * @param {State} state
 */
export function chosenOf(registry, { task, network }) {
  const named = registry.networks.find(({ name }) => name === network);
  const now = tasksOf(registry).find((known) => known === task) ?? named?.task ?? "segment";
  const all = registry.networks.filter((served) => served.task === now);
  const chosen = all.find(({ name }) => name === network) ?? all[0] ?? null;
  const model = registry.models.find(({ name }) => name === chosen?.model) ?? null;
  return { task: now, networks: all, network: chosen, model, missing: network && !named ? network : "" };
}

/** @param {string} task */
export function taskName(task) {
  switch (task) {
    case "segment": return t("Cut out", "抠图");
    case "classify": return t("Say what it is", "分类");
    case "draw": return t("Draw", "画图");
    default: return task;
  }
}

/** @param {string} task */
function taskWords(task) {
  switch (task) {
    case "segment": return t("Every pixel of a photo gets a probability: person or not, road or not.", "照片的每个像素得到一个概率：是不是人，是不是道路。");
    case "classify": return t("The likeliest of the classes that the network has learned.", "网络学过的类别中最可能的几个。");
    case "draw": return t("Pictures that have never been taken, made of random numbers.", "由随机数生成、从未有人拍过的图片。");
    default: return t("This page does not know this task; the API may.", "本页还不认识这种任务，请用 API。");
  }
}

/**
 * @param {HTMLElement} host
 * @param {Store} store
 */
export function mountChoice(host, store) {
  const pills = make("div", { class: "pills" });
  const words = make("div");
  const cards = make("div");
  host.replaceChildren(pills, words, cards);
  pills.setAttribute("role", "radiogroup");
  /** What the radio buttons are built for: one that is pressed stays where it is. */
  const built = { pills: "", cards: "" };

  /** @param {Registry} registry @param {State} state */
  const show = (registry, state) => {
    const { task, networks, network, missing } = chosenOf(registry, state);
    const [tasks, served] = [tasksOf(registry), JSON.stringify([language(), task, registry])];
    if (built.pills !== JSON.stringify([language(), tasks])) {
      built.pills = JSON.stringify([language(), tasks]);
      pills.setAttribute("aria-label", t("Task", "任务"));
      pills.replaceChildren(...tasks.map(pill));
    }
    if (built.cards !== served) {
      built.cards = served;
      cards.replaceChildren(networks.length === 0
        ? make("div", { class: "warning", id: "none-served" }, ...noneServed(task))
        : make("div", { class: "networks", role: "radiogroup", "aria-label": t("Network", "网络") }, ...networks.map((one, at) => card(registry, one, at))));
    }
    for (const radio of host.querySelectorAll("input")) radio.checked = radio.value === (radio.name === "task" ? task : network?.name);
    words.replaceChildren(make("p", { class: "note" }, taskWords(task)),
      ...(missing ? [make("p", { class: "warning" }, t("This server has no network ", "这个服务器没有网络 "), make("code", {}, missing), t(".", "。"))] : []));
  };

  /** @param {string} name */
  const pill = (name) => {
    const radio = make("input", { type: "radio", name: "task", value: name });
    radio.addEventListener("change", () => store.set({ task: name, network: "" }, { step: true }));
    return make("label", {}, radio, make("span", {}, taskName(name)));
  };

  /** @param {Registry} registry @param {Network} served @param {number} at */
  const card = (registry, { name, model, task, file, state }, at) => {
    const [called, said] = [`network-name-${at}`, `network-words-${at}`];
    const radio = make("input", { type: "radio", name: "network", value: name, "aria-labelledby": called, "aria-describedby": said });
    radio.addEventListener("change", () => store.set({ task, network: name }, { step: true }));
    const system = registry.models.find((known) => known.name === model)?.system ?? model;
    return make("label", { class: "network" }, radio, make("span", { class: "network-card" },
      make("code", { id: called }, name),
      make("span", { id: said },
        state === "old" ? make("span", { class: "tag" }, t("old weights", "旧权重")) : null,
        make("span", { class: "network-words" }, system),
        file === null ? null : make("small", { class: "faint" }, t("from ", "来自 "), make("code", {}, file)))));
  };
  return { show };
}

/** @param {string} task */
function noneServed(task) {
  const words = task === "classify"
    ? t("No classifier is served. Start the server with weights of one:", "没有可用的分类网络。启动服务器时给它权重：")
    : t("No network is served for this. Start the server with weights of one:", "没有可用于此的网络。启动服务器时给它权重：");
  return [make("p", {}, words), make("pre", { tabindex: "0" }, "upconv serve --weights FILE"),
    make("p", { class: "note" }, t("Below stands which models there are, and how to get weights for them.", "下面列出有哪些模型，以及怎样得到它们的权重。"))];
}
