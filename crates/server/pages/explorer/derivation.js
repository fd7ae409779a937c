/** How the size comes about, in the server's words, with the two relations that are behind it. */

import { make } from "../shared/elements.js";
import { t } from "../shared/language.js";

/**
 * @param {HTMLElement} host
 * @param {import("../shared/types.js").Explanation} explanation
 */
export function showDerivation(host, { derivation }) {
  host.replaceChildren(
    make("ol", { class: "derivation" }, ...derivation.map((step) => make("li", {}, step))),
    make("h3", {}, t("Why there may be several sizes", "为什么可能有好几种尺寸")),
    make("p", {}, t(
      "Relation 1: where the stride divides evenly, the forward convolution uses its whole input, and going back there is exactly one size without anything to choose.",
      "关系一：步幅正好整除时，前向卷积用完它的整个输入，反过来恰好对应一个尺寸，无需选择。")),
    make("p", {}, t(
      "Relation 2: where it does not, the forward convolution drops the rest at the end. As many sizes as the stride are then brought to one and the same small size, and going back one more number has to say which of them is meant: the output size, or output padding.",
      "关系二：不能整除时，前向卷积丢掉末尾的余数。与步幅一样多的几种尺寸都会变成同一个小尺寸，反过来就要再给一个数说明是哪一种：输出尺寸，或输出填充。")));
}
