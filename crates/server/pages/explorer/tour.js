/** Three questions in five minutes: each sets the page, and says what to look at. */

import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";

/**
 * @typedef {import("./state.js").Store} Store
 * @typedef {Parameters<Store["set"]>[0]} Change
 */
/** @typedef {{question: string, told: string, change: Change, tries: {text: string, change: Change}[]}} Stop */

const PLAIN = { stride: "2", dilation: "", groups: "", padding: "", output: "", output_padding: "" };

/** @returns {Stop[]} */
function stops() {
  return [
    {
      question: t("Why can 3 become 5 or 6?", "为什么 3 可以变成 5，也可以变成 6？"),
      told: t(
        "Three kernels of 3, two cells apart, cover 7 cells: that is the uncropped row, and SAME keeps a framed window of it. Press 5 and 6: a forward convolution with stride 2 brings 5 as well as 6 cells down to 3 (5 / 2 and 6 / 2 both round up to 3), so 3 alone cannot say which it was, and you have to.",
        "三个大小为 3 的卷积核，每隔两格放一个，共盖住 7 格：这就是未裁剪的一行，SAME 保留其中有框的窗口。按一按 5 和 6：步幅 2 的前向卷积把 5 格和 6 格都变成 3 格（5 / 2 和 6 / 2 向上取整都是 3），所以单凭 3 看不出原来是几，必须由你指定。"),
      change: { words: { ...PLAIN, dialect: "tensorflow", input: "3", kernel: "3", padding: "same", output: "5" }, x: "count", w: "count", view: "scatter", cell: "x:0", group: 0, shade: false },
      tries: [
        { text: t("keep 5", "保留 5"), change: { words: { output: "5" } } },
        { text: t("keep 6", "保留 6"), change: { words: { output: "6" } } },
        { text: t("ask for 9", "要求 9"), change: { words: { output: "9" } } },
      ],
    },
    {
      question: t("Why does a 3x3 kernel with stride 2 draw a chessboard?", "为什么 3x3 卷积核配步幅 2 会出现棋盘格？"),
      told: t(
        "Input and kernel are all 1, and still the output is not even: kernels of 3 that lie 2 apart overlap on every other row and column, so that cells receive 1, 2 or 4 products by turns. Now take a kernel of 4, which 2 divides: away from the border every cell receives 4.",
        "输入和卷积核全是 1，输出却不均匀：大小为 3 的卷积核相距 2 格，每隔一行、一列才重叠，各格轮流收到 1、2 或 4 个乘积。换成能被 2 整除的 4：离开边缘后，每一格都收到 4 个。"),
      change: { words: { ...PLAIN, dialect: "pytorch", input: "4x4", kernel: "3x3", padding: "1" }, x: "ones", w: "ones", view: "overlap", cell: "y:24", group: 0, shade: false },
      tries: [
        { text: t("kernel 3x3", "卷积核 3x3"), change: { words: { kernel: "3x3" } } },
        { text: t("kernel 4x4", "卷积核 4x4"), change: { words: { kernel: "4x4" } } },
        { text: t("see the phases", "看相位"), change: { view: "phases" } },
      ],
    },
    {
      question: t("Does it bring the values back?", "它能把数值找回来吗？"),
      told: t(
        "No: below, the output goes through the forward convolution with the same kernel. It has the size of the input again, but not its numbers: the operation is the transpose of a convolution, not its inverse, and \u201cdeconvolution\u201d is the wrong word.",
        "不能：下面把输出再用同一个卷积核做前向卷积，得到的尺寸与输入相同，数值却不同。它是卷积的转置，不是逆运算，所以“反卷积”这个词是错的。"),
      change: { words: { ...PLAIN, dialect: "pytorch", input: "2x2", kernel: "3x3", stride: "1" }, x: "count", w: "count", view: "forward", cell: "x:0", group: 0, shade: false },
      tries: [
        { text: t("random numbers", "随机数"), change: { x: "random:7", w: "random:8" } },
        { text: t("one impulse", "单个脉冲"), change: { x: "impulse" } },
        { text: t("the matrix and its transpose", "矩阵及其转置"), change: { view: "matrix" } },
      ],
    },
  ];
}

/**
 * @param {HTMLElement} host
 * @param {Store} store
 */
export function mountTour(host, store) {
  let open = -1;
  const show = () => {
    const all = stops();
    const focused = host.contains(document.activeElement) ? document.activeElement?.textContent : null;
    const questions = all.map(({ question, change }, at) => button(`${at + 1}. ${question}`, () => {
      open = at;
      show();
      store.set(change);
      // What is told and the picture are to be seen together.
      host.closest("section")?.scrollIntoView({ block: "start" });
    }, { "aria-pressed": String(at === open) }));
    const stop = all[open];
    const told = make("div", { "aria-live": "polite" });
    if (stop) {
      told.append(make("p", { class: "told" }, stop.told), make("div", { class: "buttons" },
        ...stop.tries.map(({ text, change }) => button(text, () => store.set(change))),
        button(t("close", "关闭"), () => {
          open = -1;
          show();
        }, { class: "quiet" })));
    }
    host.replaceChildren(make("div", { class: "buttons" }, ...questions), told);
    for (const again of host.querySelectorAll("button")) if (again.textContent === focused) again.focus();
  };
  return { show };
}
