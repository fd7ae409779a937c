/** What can be done about the chessboard of a weight, and what it costs. */

import { ApiError, balance } from "../shared/api.js";
import { make } from "../shared/elements.js";
import { onLanguage, t } from "../shared/language.js";
import { showNumber } from "../shared/numbers.js";
import { numbersOf } from "./balance.js";
import { scrollingTable } from "./table.js";

/** @typedef {import("../shared/types.js").Cure} Cure */

/**
 * `<div class="cures" data-values="1 1 1" data-shape="1 1 3" data-stride="2">`
 * @param {HTMLElement} host
 */
export function mountCures(host) {
  const { values, shape, stride } = host.dataset;
  const weight = { values: numbersOf(values), shape: numbersOf(shape), stride: numbersOf(stride) };
  const show = async () => {
    try {
      const { cures } = await balance(weight);
      const head = [t("Cure", "方法"), t("Products per output", "每个输出的乘积"), t("Training", "训练")];
      host.replaceChildren(scrollingTable(t("Cures and what they cost", "治疗方法和代价"), head, cures.flatMap(lines)));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      host.replaceChildren(make("p", { class: "error" }, error.message));
    }
  };
  onLanguage(show);
  void show();
}

/** What it is and costs, and below what it does: so the text keeps its width on a phone. @param {Cure} cure */
function lines(cure) {
  const [now, then] = [showNumber(cure.products_now), showNumber(cure.products)];
  const cost = now === then ? t(`${now}, as now`, `${now}，与现在相同`) : `${now} → ${then} (×${cure.ratio.toFixed(2)})`;
  return [
    make("tr", { class: "cure" }, make("th", { scope: "row" }, label(cure.name)), make("td", {}, cost),
      make("td", {}, cure.retrain ? t("anew", "重新训练") : t("none", "不需要"))),
    make("tr", {}, make("td", { colspan: "3", class: "note" }, cure.note)),
  ];
}

/** @param {Cure["name"]} name */
function label(name) {
  return {
    divisible_kernel: t("A kernel that the stride divides", "能被步幅整除的卷积核"),
    icnr: t("ICNR", "ICNR 初始化"),
    resize_convolution: t("Resize, then convolve", "先放大，再卷积"),
    blur: t("A blur behind the layer", "在后面加模糊"),
    balanced_weights: t("The taps balanced", "调匀核元素"),
  }[name];
}
