/** A picture that goes down and up again in seven ways: one of the reader's, or one that the page draws. */

import { ApiError, loss, lossPanel } from "../shared/api.js";
import { button, make } from "../shared/elements.js";
import { onLanguage, t } from "../shared/language.js";
import { showNumber } from "../shared/numbers.js";
import { scrollingTable } from "./table.js";
import { testPicture } from "./test-picture.js";

/** @typedef {import("../shared/types.js").Loss} Loss */

const FACTORS = ["2", "3", "4", "8"];

/**
 * `<div class="loss" data-factor="2">`
 * @param {HTMLElement} host
 */
export function mountLoss(host) {
  let factor = host.dataset.factor ?? "2";
  /** @type {Blob | null} */
  let picture = null;
  let name = "";
  const controls = make("div", { class: "drop" });
  const result = make("div", { class: "result", role: "status", "aria-busy": "true" });
  host.replaceChildren(controls, result);

  let asked = 0;
  let panelAddress = "";
  const measure = async () => {
    asked += 1;
    const turn = asked;
    result.setAttribute("aria-busy", "true");
    result.classList.add("stale");
    try {
      picture ??= await testPicture();
      const own = name === "" ? t("test picture", "测试图") : name;
      const [data, panel] = await Promise.all([
        loss(picture, Number(factor)), lossPanel(picture, Number(factor), own),
      ]);
      if (turn !== asked) return;
      URL.revokeObjectURL(panelAddress);
      panelAddress = URL.createObjectURL(panel);
      result.replaceChildren(...shown(data, panelAddress, own));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === asked) result.replaceChildren(make("p", { class: "error" }, error.message));
    }
    if (turn !== asked) return;
    result.classList.remove("stale");
    result.setAttribute("aria-busy", "false");
  };

  /** @param {Blob | null} blob @param {string} called */
  const take = (blob, called) => {
    picture = blob;
    name = called;
    draw();
    void measure();
  };
  const draw = () => {
    const file = make("input", { type: "file", accept: "image/*", class: "visually-hidden" });
    file.addEventListener("change", () => {
      const chosen = file.files?.[0];
      if (chosen) take(chosen, chosen.name);
    });
    const select = make("select", {});
    select.append(...FACTORS.map((value) => make("option", { value, selected: value === factor }, value)));
    select.addEventListener("change", () => {
      factor = select.value;
      void measure();
    });
    controls.replaceChildren(
      make("p", {}, t("Drop a photo here, or ", "把照片拖到这里，或者"), make("label", { class: "button" }, t("choose one", "选一张"), file)),
      make("p", { class: "buttons" },
        make("label", {}, t("Factor ", "倍数 "), select),
        button(t("Test picture", "测试图"), () => take(null, ""), { "aria-pressed": String(name === "") }),
        make("span", { class: "note" }, name === "" ? "" : name)));
  };
  controls.addEventListener("dragover", (event) => {
    event.preventDefault();
    controls.classList.add("over");
  });
  controls.addEventListener("dragleave", () => controls.classList.remove("over"));
  controls.addEventListener("drop", (event) => {
    event.preventDefault();
    controls.classList.remove("over");
    const dropped = event.dataTransfer?.files[0];
    if (dropped) take(dropped, dropped.name);
  });
  const show = () => {
    draw();
    void measure();
  };
  onLanguage(show);
  show();
}

/**
 * @param {Loss} data
 * @param {string} panel
 * @param {string} name
 */
function shown(data, panel, name) {
  const head = [t("Way", "方法"), t("Kept", "保留"), t("PSNR, dB", "PSNR（dB）"), "SSIM"];
  const rows = data.rows.map((row) => make("tr", {},
    make("th", { scope: "row" }, label(row.method)),
    make("td", { class: "number" }, Number(row.kept).toFixed(3)),
    make("td", { class: "number" }, row.psnr === null ? t("exact", "完全相同") : row.psnr.toFixed(2)),
    make("td", { class: "number" }, row.ssim.toFixed(4))));
  const unseen = showNumber(Number((100 * Number(data.unseen)).toFixed(2)));
  const alt = t("The picture after each way down and up, side by side", "图片经过各种方法缩小再放大之后，并排比较");
  return [
    scrollingTable(t("How near each way comes", "各方法的接近程度"), head, rows),
    make("p", { class: "note" }, t(
      `What no way up can know, as it is in none of the kept means: ${unseen} % of the variance of this picture.`,
      `任何方法都无从得知的部分，因为它不在任何留下来的均值中：占这张图片方差的 ${unseen} %。`)),
    make("div", { class: "panel-of-ways scroll", tabindex: "0", role: "group", "aria-label": alt },
      make("img", { src: panel, alt })),
    make("p", {}, make("a", { href: panel, download: `${name.replace(/\.[^.]*$/, "")}.loss.png` }, t("Save the pictures (PNG)", "保存图片（PNG）"))),
  ];
}

/** @param {string} method */
function label(method) {
  /** @type {Record<string, string>} */
  const names = {
    conv_transpose: t("transposed convolution", "转置卷积"),
    conv_bilinear: t("bilinear", "双线性插值"),
    max_unpool: t("max unpool, with indices", "最大反池化，有索引"),
    max_unpool_no_indices: t("max unpool, no indices", "最大反池化，无索引"),
    pixel_shuffle: t("pixel shuffle", "像素重排"),
    pixel_shuffle_mean: t("pixel shuffle of the mean", "像素重排，只留均值"),
    least_squares: t("least squares, knows C", "最小二乘，已知 C"),
  };
  return names[method] ?? method;
}
