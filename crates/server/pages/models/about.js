/** What is known of a model: what it is good for and not, whose weights they are, and its layers on demand. */

import { ApiError, model as fetchModel } from "../shared/api.js";
import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";

/**
 * @typedef {import("../shared/types.js").Model} Model
 * @typedef {import("../shared/types.js").ModelLayer} ModelLayer
 * @typedef {import("../shared/types.js").Network} Network
 */

/** Labels that are written out; more are folded away. */
const FEW_LABELS = 20;

/**
 * @param {HTMLElement} host
 * @param {Model | null} model
 * @param {Network} network
 */
export function showAbout(host, model, network) {
  host.replaceChildren(
    ...(network.state === "old" ? [make("p", { class: "warning" },
      t("The weights that answer are those read before: ", "目前使用的是之前读到的权重："), network.problem)] : []),
    ...(model ? [make("p", { class: "about-system" }, make("strong", {}, model.system)), judgement(model), figures(model)] : []),
    ...labels(network),
    make("div", { class: "sources" },
      ...[
        [t("Weights", "权重"), network.file ?? t("built in", "内置")],
        [t("Licence", "许可证"), network.licence ?? t("the weights do not say", "权重中没有说明")],
        [t("By", "作者"), network.attribution ?? t("the weights do not say", "权重中没有说明")],
        ...(model ? [[t("Paper", "论文"), model.paper]] : []),
      ].map(([name, value]) => make("p", {}, `${name}${t(": ", "：")}${value}`))),
    ...(model ? [layersOnDemand(model)] : []));
}

/** @param {Model} model */
export function judgement({ strengths, weaknesses, choose_instead }) {
  return make("dl", { class: "judgement" },
    ...[[t("Good at", "长处"), strengths], [t("Not good at", "短处"), weaknesses], [t("Choose instead", "何时另选"), choose_instead]]
      .flatMap(([name, words]) => [make("dt", {}, name), make("dd", {}, ...withCode(words))]));
}

/** What stands between backticks is to be typed. @param {string} [words] */
function withCode(words = "") {
  return words.split("`").map((part, at) => (at % 2 === 1 ? make("code", {}, part) : part));
}

/** @param {Model} model */
export function figures({ parameters, flops, input }) {
  return make("p", { class: "note" }, [
    t(`${count(parameters)} parameters`, `${count(parameters)} 个参数`), `${megaflops(flops)} MFLOP`,
    t(`input ${input.join("x")}`, `输入 ${input.join("x")}`),
  ].join(" · "));
}

/** @param {Network} network */
function labels({ labels: all }) {
  if (!all) return [];
  const words = t(`${all.length} classes`, `${all.length} 个类别`);
  const list = make("code", {}, all.join(", "));
  if (all.length <= FEW_LABELS) return [make("p", { class: "note" }, `${words}${t(": ", "：")}`, list)];
  return [make("details", {}, make("summary", {}, words), make("div", { class: "long", tabindex: "0", role: "group", "aria-label": words }, list))];
}

/** @param {Model} model */
export function layersOnDemand({ name }) {
  const place = make("div", { role: "status" });
  const ask = async () => {
    place.textContent = t("asking …", "正在查询 …");
    try {
      place.replaceChildren(table((await fetchModel(name)).layers));
      opener.hidden = true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      place.replaceChildren(make("p", { class: "error" }, error.message));
    }
  };
  const opener = button(t("Show its layers", "显示各层"), ask);
  return make("div", { class: "layer-list" }, opener, place);
}

/** @param {ModelLayer[]} layers */
function table(layers) {
  const label = t("Layers", "层");
  const head = [t("Name", "名称"), t("Kind", "种类"), t("Shape", "形状"), t("Parameters", "参数"), "MFLOP"];
  const rows = layers.map(({ name, kind, shape_out, parameters, flops }) => make("tr", {},
    make("th", { scope: "row" }, make("code", {}, name)), make("td", {}, make("code", {}, kind)), make("td", {}, shape_out.join("x")),
    make("td", { class: "number" }, count(parameters)), make("td", { class: "number" }, megaflops(flops))));
  return make("div", { class: "scroll long", tabindex: "0", role: "group", "aria-label": label },
    make("table", {}, make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, ...rows)));
}

/** @param {number} value */
const count = (value) => value.toLocaleString("en");
/** @param {number} flops */
const megaflops = (flops) => (flops / 1e6).toLocaleString("en", { maximumFractionDigits: flops < 1e7 ? 2 : 0 });
