/** The pictures that were given, side by side: which are done, which failed, and which one is looked at. */

import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { showPercent } from "./percent.js";

/**
 * @typedef {import("./queue.js").Item} Item
 * @typedef {import("./queue.js").Queue} Queue
 */

/**
 * @param {HTMLElement} host
 * @param {Queue} queue
 * @param {() => number} threshold
 */
export function mountStrip(host, queue, threshold) {
  /** The pictures stay while words change: they would flicker. @type {Map<number, HTMLImageElement>} */
  let thumbs = new Map();
  const list = make("div", { class: "strip", role: "group" });
  const status = make("p", { class: "note", role: "status" });
  const clear = button("", () => queue.clear(), { class: "quiet" });
  host.replaceChildren(list, status, clear);

  /** @param {Item} item */
  const thumb = (item) => {
    const known = thumbs.get(item.id);
    if (known?.src === item.address) return known;
    const image = make("img", { src: item.address, alt: "" });
    image.addEventListener("error", () => image.classList.add("hidden"));
    return image;
  };

  /** @param {Item} item */
  const words = ({ state, answered }) => {
    switch (state) {
      case "waiting": return t("waits", "等待");
      case "running": return t("working …", "处理中 …");
      case "failed": return t("✗ failed", "✗ 失败");
      case "done": return answered ? found(answered.answer) : "";
    }
  };

  /** @param {import("./files.js").Answered["answer"]} answer */
  const found = (answer) => ("shares" in answer
    ? showPercent(answer.shares[Math.round(threshold() * 100)] ?? answer.share) : answer.top[0]?.label ?? "");

  const show = () => {
    const items = queue.items();
    host.hidden = items.length === 0;
    const focused = host.contains(document.activeElement) ? document.activeElement?.id : "";
    thumbs = new Map(items.map((item) => [item.id, thumb(item)]));
    list.setAttribute("aria-label", t("Pictures that were given", "给出的图片"));
    list.replaceChildren(...items.map((item) => {
      const pick = button("", () => queue.choose(item.id), {
        id: `picture-${item.id}`, "aria-pressed": String(item === queue.chosen()), class: item.state === "failed" ? "failed" : null,
      });
      pick.append(thumbs.get(item.id) ?? "", make("span", { class: "name", translate: "no" }, item.file.name), make("span", { class: "state", translate: "no" }, words(item)));
      return pick;
    }));
    const failed = items.filter(({ state }) => state === "failed").length;
    const done = items.filter(({ state }) => state === "done").length;
    const told = t(`${done} of ${items.length} done`, `完成 ${done} 张，共 ${items.length} 张`) + (failed ? t(`, ${failed} failed`, `，失败 ${failed} 张`) : "");
    // Said again only where it is news.
    if (status.textContent !== told) status.textContent = items.length > 0 ? told : "";
    clear.textContent = t("Take them away", "全部移除");
    if (focused) document.getElementById(focused)?.focus();
  };
  return { show };
}
