/** What every framework makes of the same words: `<div class="dialects" data-words="input=3&kernel=3&...">`. */

import { ApiError, dialects } from "../shared/api.js";
import { make } from "../shared/elements.js";
import { onLanguage, t } from "../shared/language.js";
import { showSize } from "../shared/numbers.js";
import { scrollingTable } from "./table.js";

/** @typedef {import("../shared/types.js").DialectRow} DialectRow */

const NAMES = {
  tensorflow: "TensorFlow", keras: "Keras", pytorch: "PyTorch", onnx: "ONNX", caffe: "Caffe", tflite: "TFLite",
};

/** @param {HTMLElement} host */
export function mountDialects(host) {
  const words = Object.fromEntries(new URLSearchParams(host.dataset.words ?? ""));
  const show = async () => {
    try {
      const { rows } = await dialects(words);
      const head = [t("Framework", "框架"), t("Output", "输出"), t("Window begins at", "窗口起点"), t("Cropped behind", "后面裁掉")];
      host.replaceChildren(scrollingTable(t("What each framework makes of it", "各框架得到什么"), head, rows.map(line)));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      host.replaceChildren(make("p", { class: "error" }, error.message));
    }
  };
  onLanguage(show);
  void show();
}

/** @param {DialectRow} row */
function line(row) {
  const name = row.dialect === "definition" ? t("plain definition", "纯定义") : NAMES[row.dialect];
  const first = make("th", { scope: "row" }, name);
  if (row.error) return make("tr", {}, first, make("td", { colspan: "3" }, row.error.message));
  /** @param {number[] | null} sides @param {"output" | "window_begin" | null} member */
  const cell = (sides, member) =>
    make("td", { class: member && row.differs.includes(member) ? "differs" : null }, sides ? showSize(sides) : "");
  return make("tr", {}, first, cell(row.output, "output"), cell(row.window_begin, "window_begin"), cell(row.pad_after, null));
}
