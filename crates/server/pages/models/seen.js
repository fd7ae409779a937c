/** What the network saw: its input as a picture, pixel by pixel, and how it was made of the photo. */

import { make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { showNumber } from "../shared/numbers.js";

/** @typedef {import("../shared/types.js").Seen} Seen */

/** Pixels of the page that a small picture is enlarged to at most. */
const ROOM = 288;

/**
 * @param {Seen} seen
 * @param {string} address of the picture
 */
export function seenFigure(seen, address) {
  const { width, height, order, range, mean, mean_picture, std, resize, fit } = seen;
  const times = Math.max(1, Math.floor(ROOM / Math.max(width, height)));
  const size = t(`${width} × ${height} pixels`, `${width} × ${height} 像素`);
  /** @type {[string, string | null][]} */
  const facts = [
    [t("Size", "尺寸"), times > 1 ? t(`${size}, shown ${times} times as large`, `${size}，放大 ${times} 倍显示`) : size],
    [t("Colour order", "颜色顺序"), order],
    [t("Range", "取值范围"), range && range.map(showNumber).join(" … ")],
    [t("Mean taken off", "减去均值"), mean_picture ? t("a whole picture of means", "一整张均值图") : mean && mean.map(showNumber).join(", ")],
    [t("Divided by", "除以标准差"), std && std.map(showNumber).join(", ")],
    [t("Resized", "缩放"), resize],
    [t("Fitted", "适配"), fit],
  ];
  return make("figure", { class: "seen" },
    make("img", {
      src: address, width: String(width * times), height: String(height * times), class: "pixels",
      alt: t(`The picture as the network got it, ${size}`, `网络得到的图片，${size}`),
    }),
    make("figcaption", {}, make("dl", { class: "facts" }, ...facts.filter(([, value]) => value !== null && value !== "")
      .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]))));
}
