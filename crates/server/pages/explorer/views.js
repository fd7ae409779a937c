/** The views: their names, and what there is to see in each. */

import { make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { VIEWS } from "../shared/panels.js";

/** @typedef {import("../shared/cells.js").View} View */

/** @param {View} view @returns {[name: string, words: string]} */
function wordsOf(view) {
  switch (view) {
    case "gather": return [
      t("Gather", "汇集"),
      t("Seen from the output: which inputs, times which taps, sum to this cell.", "从输出看：哪些输入乘以哪些核元素，加起来就是这一格。")];
    case "scatter": return [
      t("Scatter", "散布"),
      t("Seen from the input: each cell puts down the kernel times its value; overlaps add up; the window (framed) is kept.", "从输入看：每一格放下乘以自己数值的卷积核；重叠处相加；保留窗口（有框）内的部分。")];
    case "zero-insertion": return [
      t("Zero insertion", "插零"),
      t("The same by a common convolution: zeros between the inputs, and the flipped kernel (framed) moves by one cell. Most products are with zeros: right, but wasteful.", "用普通卷积得到同样的结果：在输入之间插零，翻转的卷积核（有框）每次移动一格。大多数乘积是与零相乘：正确，但浪费。")];
    case "crop": return [
      t("Padding as crop", "填充即裁剪"),
      t("Padding of a transposed convolution takes away: the window (framed) is kept, cells with × are cut off.", "转置卷积的填充是减法：保留窗口（有框），带 × 的格被裁掉。")];
    case "overlap": return [
      t("Overlap", "重叠"),
      t("How many products each output cell receives. Where the numbers alternate, a chessboard shows in images.", "每个输出格收到多少个乘积。数字交替变化之处，图像中会出现棋盘格。")];
    case "phases": return [
      t("Phases", "相位"),
      t("Output cells a stride apart use the same taps: one letter, one small convolution of its own.", "相距一个步幅的输出格使用同样的核元素：同一字母就是一个独立的小卷积。")];
    case "matrix": return [
      t("Matrix", "矩阵"),
      t("The forward convolution is a matrix C; this operation multiplies by its transpose. The row of the output that is pointed at is lit.", "前向卷积是矩阵 C；转置卷积就是乘以它的转置。所指输出的那一行会亮起。")];
    case "forward": return [
      t("Beside forward", "与前向卷积对照"),
      t("Above from x to y; below the forward convolution of y with the same kernel: it gathers over the same connections. The size comes back, the values do not.", "上面由 x 到 y；下面是 y 与同一卷积核的前向卷积，沿同样的连接汇集。尺寸回来了，数值没有回来。")];
  }
}

/**
 * @param {HTMLElement} host
 * @param {{onView: (view: View) => void, onShade: (shade: boolean) => void, onGroup: (group: number) => void}} on
 */
export function mountViews(host, on) {
  /** @param {{view: View, shade: boolean, group: number}} state @param {number} groups */
  const show = ({ view, shade, group }, groups) => {
    const focused = host.contains(document.activeElement) ? document.activeElement?.id : undefined;
    const pills = VIEWS.map((name) => {
      const radio = make("input", { type: "radio", name: "view", id: `view-${name}`, value: name, checked: name === view });
      radio.addEventListener("change", () => on.onView(name));
      return make("label", {}, radio, make("span", {}, wordsOf(name)[0]));
    });
    const grey = make("input", { type: "checkbox", id: "shade", checked: shade });
    grey.addEventListener("change", () => on.onShade(grey.checked));
    const extra = make("div", { class: "buttons" },
      make("label", {}, grey, t(" numbers as brightness", " 用明暗表示数值")));
    if (groups > 1) {
      const select = make("select", { id: "group" });
      for (let at = 0; at < groups; at += 1) select.append(make("option", { value: String(at), selected: at === group }, String(at)));
      select.addEventListener("change", () => on.onGroup(Number(select.value)));
      extra.append(make("label", {}, t("Group ", "分组 "), select),
        make("span", { class: "note" }, t("each group has an input and a kernel of its own; nothing crosses over", "每个分组有自己的输入和卷积核，互不相通")));
    }
    host.replaceChildren(
      make("fieldset", {}, make("legend", { class: "visually-hidden" }, t("View", "视图")), make("div", { class: "pills" }, ...pills)),
      make("div", { class: "view-words" }, make("p", {}, wordsOf(view)[1]), extra));
    if (focused) document.getElementById(focused)?.focus();
  };
  return { show };
}
