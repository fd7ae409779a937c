/** A weight file of one's own: its layers, and whether the weights of one of them leave a chessboard. */

import { ApiError, weights, weightsLayer } from "../shared/api.js";
import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { showBytes } from "../shared/numbers.js";
import { showLayer } from "./layer.js";

/**
 * @param {HTMLElement} host
 * @param {import("./state.js").Store} store
 */
export function mountWeights(host, store) {
  /** @type {File | null} */
  let file = null;
  /** @type {import("../shared/types.js").WeightFile | null} */
  let read = null;
  const drop = make("div", { class: "drop" });
  const found = make("div");
  const layer = make("div");
  const message = make("div", { role: "status" });
  host.replaceChildren(drop, message, found, layer);

  /** @param {unknown} error */
  const fail = (error) => {
    if (!(error instanceof ApiError)) throw error;
    message.replaceChildren(make("p", { class: "error" }, error.message));
  };

  /** @param {File} chosen */
  const open = async (chosen) => {
    file = chosen;
    found.replaceChildren();
    layer.replaceChildren();
    message.textContent = t(`reading ${chosen.name} …`, `正在读取 ${chosen.name} …`);
    try {
      read = await weights(chosen);
      message.textContent = "";
      list();
    } catch (error) {
      fail(error);
    }
  };

  const list = () => {
    if (!read) return;
    const { format, bytes, model, tensors, layers } = read;
    found.replaceChildren(
      make("p", { class: "note" }, [read.file, format, showBytes(bytes), model, t(`tensors: ${tensors.length}`, `${tensors.length} 个张量`)].filter(Boolean).join(" · ")),
      layers.length === 0
        ? make("p", {}, t("No tensor of this file may be the weight of a transposed convolution.", "这个文件里没有可能属于转置卷积的张量。"))
        : make("div", { class: "layers", role: "group", "aria-label": t("Layers", "层"), tabindex: "0" }, ...layers.map(({ layer: name, shape, stride }) =>
          button(`${name} · ${shape.join("x")}${stride ? t(` · stride ${stride.join("x")}`, ` · 步幅 ${stride.join("x")}`) : ""}`, () => measure(name)))));
  };

  /** @param {string} name @param {string} [stride] */
  const measure = async (name, stride) => {
    if (!file) return;
    message.textContent = t("measuring …", "正在测量 …");
    try {
      const balance = await weightsLayer(file, { layer: name, stride });
      message.textContent = "";
      showLayer(layer, balance, store);
    } catch (error) {
      layer.replaceChildren();
      fail(error);
      if (error instanceof ApiError && error.error.field === "stride") layer.replaceChildren(askStride(name));
    }
  };

  /** The file does not say the stride. @param {string} name */
  const askStride = (name) => {
    const field = make("input", { type: "text", value: "2", id: "weights-stride", inputmode: "numeric" });
    const form = make("form", { class: "buttons" }, make("label", { for: "weights-stride" }, t("Stride of this layer", "这一层的步幅")), field,
      make("button", { type: "submit", class: "primary" }, t("Measure", "测量")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void measure(name, field.value.trim());
    });
    return form;
  };

  const show = () => {
    const choose = make("input", { type: "file", class: "visually-hidden", id: "weights-file", tabindex: "-1", "aria-label": t("Weight file", "权重文件") });
    choose.addEventListener("change", () => {
      const [chosen] = choose.files ?? [];
      if (chosen) void open(chosen);
    });
    drop.replaceChildren(
      make("p", {}, t("Drop a weight file here (safetensors, npz, h5, pt, caffemodel, pb, onnx): it goes to the server of this page and nowhere else.", "把权重文件拖到这里（safetensors、npz、h5、pt、caffemodel、pb、onnx）：它只发给本页的服务器，不会去别处。")),
      choose, button(t("Choose a file", "选择文件"), () => choose.click()));
    list();
  };
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const dropped = event.dataTransfer?.files[0];
    if (dropped) void open(dropped);
  });
  return { show };
}
