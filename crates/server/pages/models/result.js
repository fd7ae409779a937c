/** The result of the picture that is looked at: what was found, what the network saw, and how long it took. */

import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { mountClassifyView } from "./classify-view.js";
import { createAddresses } from "./files.js";
import { reduce, reducedSize } from "./reduce.js";
import { seenFigure } from "./seen.js";
import { mountSegmentView, waiting } from "./segment-view.js";
import { timingsFigure } from "./timings.js";

/**
 * @typedef {import("./files.js").Answered} Answered
 * @typedef {import("../shared/types.js").Network} Network
 * @typedef {import("./queue.js").Item} Item
 * @typedef {import("./queue.js").Queue} Queue
 * @typedef {import("./state.js").Store} Store
 */

/**
 * @param {HTMLElement} host
 * @param {Store} store
 * @param {Queue} queue
 */
export function mountResult(host, store, queue) {
  const told = make("div", { role: "status" });
  const body = make("div");
  const below = make("div", { class: "below-result" });
  host.replaceChildren(told, body, below);
  const addresses = createAddresses();
  let segmented = mountSegmentView(store);
  let classified = mountClassifyView(store);
  /** What is drawn already. @type {unknown} */
  let drawn = null;
  let live = false;

  /**
   * @param {{file: Blob, name: string, answered: Answered, roundTrip: number, live: boolean}} result
   * @param {Network} network
   */
  const draw = (result, network) => {
    const { answered: { answer, pictures }, roundTrip } = result;
    const view = "shares" in answer ? segmented : classified;
    if (body.firstChild !== view.element) body.replaceChildren(view.element);
    const shown = "shares" in answer
      ? segmented.show({ ...result, network, answer, pictures }) : classified.show({ ...result, answer });
    const old = addresses.take();
    const seen = answer.seen && pictures.seen ? [make("section", {}, make("h3", {}, t("What the network saw", "网络看到的图片")),
      seenFigure(answer.seen, addresses.of(pictures.seen)))] : [];
    below.replaceChildren(...seen, make("section", {}, make("h3", {}, t("How long it took", "用了多久")), timingsFigure(answer.ms, roundTrip)));
    old();
    return shown;
  };

  /** @param {Item} item */
  const drawFailure = async (item) => {
    const { error, file } = item;
    if (!error) return;
    const offers = make("div", { class: "buttons" }, button(t("Try again", "重试"), () => queue.again((other) => other === item)));
    told.replaceChildren(make("div", { class: "error" }, make("strong", { translate: "no" }, file.name), t(": ", "："), error.message, offers));
    const size = await reducedSize(file, error.status);
    if (!size) return;
    offers.prepend(button(
      t(`Make it smaller here (${size.width} × ${size.height}) and try again`, `在浏览器中缩小到 ${size.width} × ${size.height} 再试`),
      async () => queue.replace(item, await reduce(file, size)), { class: "primary" }));
  };

  /** @param {Item} item */
  const drawWaiting = ({ file, address, pause, state }) => {
    const words = pause ? waiting(pause.error, pause.seconds)
      : state === "running" ? t("The network is at work …", "网络正在处理 …") : t("Waits for the pictures before it …", "正在等待前面的图片 …");
    told.replaceChildren(make("p", { class: pause ? "warning" : "note" }, words));
    body.replaceChildren(make("img", { class: "given stale", src: address, alt: file.name }));
    below.replaceChildren();
  };

  /** @param {Network | null} network */
  const show = (network) => {
    const item = queue.chosen();
    host.setAttribute("aria-busy", String(queue.busy()));
    if (live) return;
    if (!item || !network) {
      drawn = null;
      told.replaceChildren();
      below.replaceChildren();
      body.replaceChildren(make("p", { class: "nothing" }, t("What the network finds will stand here.", "网络找到的内容会显示在这里。")));
      return;
    }
    // A picture that is drawn stays as it is while others are asked about: sliders keep their place.
    const now = item.answered ?? item.error ?? JSON.stringify([item.id, item.state, item.pause]);
    if (now === drawn) return;
    drawn = now;
    if (item.answered) {
      told.replaceChildren();
      void draw({ file: item.file, name: item.file.name, answered: item.answered, roundTrip: item.roundTrip, live: false }, network);
    } else if (item.error) {
      body.replaceChildren();
      below.replaceChildren();
      void drawFailure(item);
    } else drawWaiting(item);
  };

  return {
    show,
    /** Settings that need no new answer. */
    update() {
      segmented.update();
      classified.update();
    },
    /** One frame of the camera. @param {{file: Blob, answered: Answered, roundTrip: number}} frame @param {Network} network */
    showFrame(frame, network) {
      live = true;
      drawn = null;
      told.replaceChildren();
      return draw({ ...frame, name: t("camera", "摄像头"), live: true }, network);
    },
    /** @param {Network | null} network */
    endLive(network) {
      if (!live) return;
      live = false;
      show(network);
    },
    /** In another language all is drawn anew. @param {Network | null} network */
    relabel(network) {
      segmented.free();
      classified.free();
      segmented = mountSegmentView(store);
      classified = mountClassifyView(store);
      drawn = null;
      show(network);
    },
  };
}
