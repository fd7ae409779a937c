/** What a segmentation found: overlay, mask and cut-out, live for every threshold, beside the photo. */

import { ApiError, segmentPng } from "../shared/api.js";
import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { createAddresses, save, stemOf } from "./files.js";
import { createPainter } from "./painter.js";
import { patiently } from "./patience.js";
import { showPercent } from "./percent.js";
import { VIEWS } from "./state.js";
import { stageOf } from "./stage.js";

/**
 * @typedef {import("../shared/types.js").Segmented} Segmented
 * @typedef {import("../shared/types.js").Network} Network
 * @typedef {import("./state.js").Store} Store
 * @typedef {import("./state.js").View} View
 * @typedef {import("./painter.js").Painter} Painter
 * @typedef {import("./files.js").Answered} Answered
 *
 * @typedef {{file: Blob, name: string, live: boolean, network: Network, answer: Segmented, pictures: Answered["pictures"]}} Shown
 */

/** @param {Store} store */
export function mountSegmentView(store) {
  const addresses = createAddresses();
  /** @type {Shown | null} */
  let shown = null;
  /** @type {Painter | null} */
  let painter = null;
  /** Whether this browser cannot read the photo that the server reads. */
  let unreadable = false;
  let turn = 0;

  const stage = stageOf();
  const pills = make("div", { class: "pills" });
  const slider = make("input", { type: "range", id: "threshold", min: "0", max: "1", step: "0.01" });
  slider.addEventListener("input", () => store.set({ threshold: Number(slider.value) }));
  const number = make("span", { class: "amount" });
  const share = make("p", { class: "share" });
  const said = make("p", { class: "note", role: "status" });
  const saving = make("div", { class: "buttons" });
  const facts = make("p", { class: "note" });
  const element = make("div", { class: "segmented" },
    make("fieldset", {}, make("legend", { class: "visually-hidden" }, t("What is shown", "显示什么")), pills),
    make("div", { class: "beside-stage" }, stage.element, make("div", { class: "stage-words" },
      share,
      make("div", { class: "slider" }, make("label", { for: "threshold" }, t("Threshold", "阈值")), slider, number),
      stage.compare, saving, said, facts,
      make("p", { class: "note" }, t(
        "The overlay here darkens every pixel below the threshold; the saved one mixes softly, and draws a line at the threshold. Mask and cut-out do not depend on it.",
        "这里的叠加图把低于阈值的像素全部变暗；保存的叠加图则柔和过渡，并在阈值处画线。遮罩和抠图与阈值无关。")))));

  for (const view of VIEWS) {
    const radio = make("input", { type: "radio", name: "view", id: `view-${view}`, value: view });
    radio.addEventListener("change", () => store.set({ view }, { step: true }));
    pills.append(make("label", {}, radio, make("span", {}, viewName(view))));
  }
  saving.append(...VIEWS.map((view) => button("", () => saveOne(view), { "data-save": view })));

  /** @param {View} view */
  const saveOne = async (view) => {
    if (!shown) return;
    const { file, name, network, pictures } = shown;
    const data = view === "overlay" ? null : pictures[view];
    said.textContent = "";
    try {
      const threshold = store.get().threshold;
      const picture = data ?? await patiently(
        () => segmentPng(file, { model: network.name, name, threshold, only: view }),
        { onWait: (error, seconds) => { said.textContent = error ? waiting(error, seconds) : ""; } });
      save(picture, `${stemOf(name)}.${view}.png`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      said.textContent = error.message;
    }
  };

  let asked = 0;
  const update = () => {
    if (!shown) return;
    const { threshold, view: wanted } = store.get();
    const { answer, pictures, network, name, live } = shown;
    const view = wanted === "overlay" && unreadable ? "mask" : wanted === "cutout" && !pictures.cutout ? "overlay" : wanted;
    const percent = showPercent(answer.shares[Math.round(threshold * 100)] ?? answer.share);
    const what = found(network);
    slider.value = String(threshold);
    slider.setAttribute("aria-valuetext", t(`${threshold.toFixed(2)}: ${percent} of the picture`, `${threshold.toFixed(2)}：占图片的 ${percent}`));
    number.textContent = threshold.toFixed(2);
    share.replaceChildren(t("", "图片的 "), make("strong", { id: "share" }, percent), t(" of the picture is ", " 是"), ...what);
    for (const radio of pills.querySelectorAll("input")) {
      radio.checked = radio.value === view;
      radio.disabled = radio.value === "overlay" && unreadable;
    }
    for (const saver of saving.querySelectorAll("button")) {
      const kind = /** @type {View} */ (saver.dataset.save);
      saver.textContent = kind === "overlay" ? t(`Save overlay at ${threshold.toFixed(2)}`, `保存叠加图（${threshold.toFixed(2)}）`) : t(`Save ${viewName(kind).toLowerCase()}`, `保存${viewName(kind)}`);
    }
    saving.hidden = live;
    facts.replaceChildren(`${answer.width} × ${answer.height} · `, make("code", {}, network.name), answer.tiled ? t(" · too large for one go: run in parts", " · 图片太大，分块处理") : "");
    const label = { overlay: t(`${name}: all but ${percent} is darkened`, `${name}：除 ${percent} 外都变暗`), mask: t(`${name}: mask`, `${name}：遮罩`), cutout: t(`${name}: cut-out`, `${name}：抠图`) };
    stage.show(view, label[view]);
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => painter?.paint(stage.canvas, store.get().threshold));
  };

  /** @param {Shown} next */
  const show = async (next) => {
    turn += 1;
    const mine = turn;
    shown = next;
    said.textContent = "";
    const { mask, cutout } = next.pictures;
    const old = addresses.take();
    stage.put({ ...next.answer, photo: addresses.of(next.file), mask: mask && addresses.of(mask), cutout: cutout && addresses.of(cutout) });
    if (!next.live) stage.element.setAttribute("aria-busy", "true");
    update();
    try {
      const made = mask ? await createPainter(next.file, mask, next.answer) : null;
      if (mine === turn) [painter, unreadable] = [made, false];
    } catch {
      // A picture that the server reads and this browser does not: mask and cut-out can be seen all the same.
      if (mine === turn) {
        [painter, unreadable] = [null, true];
        said.textContent = t("This browser cannot show this photo itself; mask and cut-out are the server's.", "这个浏览器无法显示这张照片；遮罩和抠图来自服务器。");
      }
    }
    old();
    if (mine !== turn) return;
    painter?.paint(stage.canvas, store.get().threshold);
    stage.element.setAttribute("aria-busy", "false");
    update();
  };
  return { element, show, update, free: () => addresses.free() };
}

/** @param {View} view */
function viewName(view) {
  return { overlay: t("Overlay", "叠加图"), mask: t("Mask", "遮罩"), cutout: t("Cut-out", "抠图") }[view];
}

/** What a network looks for, where its labels say it. @param {Network} network */
function found({ labels }) {
  const looked = labels?.length === 2 ? labels[1] : undefined;
  return looked ? [t("", " "), make("code", {}, looked), t(".", "。")] : [t("what the network looks for.", "网络要找的内容。")];
}

/** @param {ApiError} error @param {number} seconds */
export function waiting(error, seconds) {
  return t(`The server is full (${error.message}); trying again in ${seconds} s.`, `服务器已满（${error.message}），${seconds} 秒后再试。`);
}
