/** Models of the registry that no weights are served for, with the way to get some. */

import { make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { figures, judgement, layersOnDemand } from "./about.js";
import { taskName } from "./choice.js";

/**
 * @typedef {import("../shared/types.js").Registry} Registry
 * @typedef {import("../shared/types.js").Model} Model
 */

/** @param {Registry} registry */
export function unserved({ models, networks }) {
  return models.filter(({ name }) => !networks.some(({ model }) => model === name));
}

/**
 * @param {HTMLElement} host
 * @param {readonly Model[]} models
 */
export function showOthers(host, models) {
  host.replaceChildren(
    make("p", { class: "note" }, t("The program knows how these are built. With weights they stand above.", "程序知道这些模型的结构；有了权重，它们就会出现在上面。")),
    ...models.map((model) => make("details", { class: "other" },
      make("summary", {}, make("code", {}, model.name), " ", make("span", { class: "tag" }, taskName(model.task)), " ", make("span", { class: "faint" }, model.system)),
      make("div", { class: "opened" }, judgement(model), figures(model), ...ways(model),
        make("p", { class: "sources" }, `${t("Paper: ", "论文：")}${model.paper}`), layersOnDemand(model)))));
}

/** @param {Model} model */
function ways({ name, task, fetched }) {
  const converted = [...(fetched ? [`upconv data fetch ${name} DIR`] : []),
    `upconv convert ${fetched ? `DIR/${fetched}` : "FILE"} ${name}.safetensors --model ${name}`, `upconv serve --weights ${name}.safetensors`];
  const trained = [`upconv train ${name} --data PICTURES --out runs/${name}`, `upconv serve --weights runs/${name}`];
  /** @param {string[]} lines */
  const code = (lines) => make("pre", { tabindex: "0" }, lines.join("\n"));
  return [
    make("h3", {}, t("With weights of others", "用别人的权重")),
    make("p", { class: "note" }, t("convert reads files of Caffe, TensorFlow, Keras, PyTorch and ONNX.", "convert 可读取 Caffe、TensorFlow、Keras、PyTorch 和 ONNX 的文件。")),
    code(converted),
    // What draws is not trained here.
    ...(task === "draw" ? [] : [make("h3", {}, t("Trained by yourself", "自己训练")), code(trained)]),
  ];
}
