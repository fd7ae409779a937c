/** One layer of a weight file: its overlap, its phases with their own weights, and what can be done. */

import { shades } from "../shared/cells.js";
import { mountDiagram } from "../shared/diagram.js";
import { button, make } from "../shared/elements.js";
import { createGrid } from "../shared/grid.js";
import { t } from "../shared/language.js";
import { showNumber, showShort, showSize } from "../shared/numbers.js";
import { phaseLetter } from "../shared/phases.js";

/**
 * @typedef {import("../shared/types.js").LayerBalance} LayerBalance
 * @typedef {import("../shared/types.js").BalanceData} BalanceData
 * @typedef {import("../shared/types.js").Words} Words
 */

/**
 * @param {HTMLElement} host
 * @param {LayerBalance} measured
 * @param {import("./state.js").Store} store
 */
export function showLayer(host, { layer, dialect, balance, explanation }, store) {
  const picture = make("div");
  /** @type {Words} */
  const words = {
    dialect, kernel: showSize(balance.kernel), stride: showSize(balance.stride),
    input: showSize(explanation.axes.map((axis) => axis.input)), padding: "", output: "", output_padding: "", dilation: "", groups: "",
  };
  host.replaceChildren(
    make("h3", {}, layer),
    make("p", {}, verdict(balance)),
    make("div", { class: "below" },
      make("div", {}, make("h3", {}, t("Phases, with the weights of this layer", "各相位（用这一层的权重）")), phaseTable(balance),
        make("p", { class: "note" }, t(
          "Response: what a cell away from the border becomes of an input that is 1 everywhere, mean over the output channels.",
          "响应：输入处处为 1 时，远离边缘的格得到的值（对输出通道取平均）。")),
        make("p", { class: "note" }, worst(balance)), ...pattern(balance)),
      make("div", {}, make("h3", {}, t("Overlap of its kernel and stride", "它的卷积核与步幅的重叠")), picture,
        button(t("Show this kernel and stride above", "在上面显示这个卷积核与步幅"), () => {
          store.set({ words, x: "count", w: "count", view: "overlap", cell: "" });
          document.getElementById("main")?.scrollIntoView();
        }))),
    ...(balance.cures.length ? [make("h3", {}, t("What can be done", "可以怎么办")), cureTable(balance)] : []));
  void mountDiagram(picture, { view: "overlap", largest: 30, live: false }).update({ words: { ...words, x: "ones", w: "ones" } })
    .catch((error) => picture.replaceChildren(make("p", { class: "note" }, error instanceof Error ? error.message : String(error))));
}

/** @param {BalanceData} balance */
function verdict({ imbalance, holes }) {
  if (holes) return t("Some phases have no tap at all: their cells hold only the bias.", "有的相位一个核元素也没有：那些格只有偏置。");
  return t(
    `Imbalance ${showNumber(imbalance)}: how far the phases answer differently to an even input. 0 leaves no chessboard; the larger, the stronger it shows.`,
    `不均衡度 ${showNumber(imbalance)}：各相位对均匀输入的响应相差多少。0 表示没有棋盘格；越大越明显。`);
}

/** @param {BalanceData} balance */
function worst({ worst: { channel, imbalance } }) {
  return t(`Worst output channel: ${channel}, imbalance ${showNumber(imbalance)}.`, `最差的输出通道：${channel}，不均衡度 ${showNumber(imbalance)}。`);
}

/** How often the pattern is drawn along each axis. */
const REPEATS = 3;

/**
 * What the worst channel makes of an input that is the same everywhere: its phases, which repeat with the stride.
 * @param {BalanceData} balance
 */
function pattern({ stride, worst: { response } }) {
  if (stride.length > 2) return [];
  const [down, across] = stride.length === 1 ? [1, stride[0] ?? 1] : [stride[0] ?? 1, stride[1] ?? 1];
  const [rows, columns] = [stride.length === 1 ? 1 : REPEATS * down, REPEATS * across];
  const label = t("What an even input becomes in the worst channel", "均匀的输入在最差的通道中变成什么");
  const grid = createGrid({ label, rows, columns, size: Math.min(40, Math.floor(360 / columns)) });
  const shade = shades(response);
  const [least, largest] = [showNumber(Math.min(...response)), showNumber(Math.max(...response))];
  grid.show((cell) => {
    const row = Math.floor(cell / columns);
    const phase = (row % down) * across + ((cell - row * columns) % across);
    const text = showShort(response[phase] ?? 0);
    return { text, paint: "zero", shade: shade(phase), label: `${phaseLetter(phase)}${t(", ", "，")}${text}` };
  });
  return [make("figure", { class: "panel" }, make("figcaption", {}, label), make("div", { class: "scroll" }, grid.element),
    make("p", { class: "note" }, t(`Black is the least of its phases, ${least}, and white the largest, ${largest}.`, `黑色是各相位中最小的 ${least}，白色是最大的 ${largest}。`)))];
}

/** @param {BalanceData} balance */
function phaseTable({ phases }) {
  const most = Math.max(...phases.map(({ response }) => Math.abs(response)));
  const head = [t("Phase", "相位"), t("Taps", "核元素"), t("Response", "响应"), "", t("Norm", "范数")];
  return table(head, phases.map(({ phase, taps, response, norm }, at) => {
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${most === 0 ? 0 : Math.round((100 * Math.abs(response)) / most)}%`;
    return [`${phaseLetter(at)} (${phase.join(", ")})`, String(taps), showNumber(response), bar, showNumber(norm)];
  }));
}

/** @param {BalanceData} balance */
function cureTable({ cures }) {
  /** @type {Record<string, string>} */
  const names = {
    divisible_kernel: t("A kernel that the stride divides", "能被步幅整除的卷积核"),
    icnr: t("Sub-pixel-equal initialisation (ICNR)", "各相位相同的初始化（ICNR）"),
    resize_convolution: t("Resize, then convolve", "先放大，再卷积"),
    blur: t("A fixed blur behind the layer", "在该层之后加固定的模糊"),
    balanced_weights: t("These weights, balanced", "把这些权重调匀"),
  };
  const head = [t("Cure", "办法"), t("Products per cell", "每格乘积"), t("Train anew", "重新训练"), t("What it does", "作用")];
  return table(head, cures.map(({ name, products, ratio, retrain, note }) => [
    names[name] ?? name, `${showNumber(products)} (×${showNumber(ratio)})`, retrain ? t("yes", "是") : t("no", "否"), note,
  ]));
}

/**
 * @param {string[]} head
 * @param {(string | Node)[][]} rows
 */
function table(head, rows) {
  return make("div", { class: "scroll", tabindex: "0" }, make("table", {},
    make("thead", {}, make("tr", {}, ...head.map((text) => (text ? make("th", { scope: "col" }, text) : make("td"))))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell)))))));
}
