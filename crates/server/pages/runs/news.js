/** What has happened since one looked: runs that came and went, and a server that does not answer. */

import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { write } from "./words.js";

/**
 * @param {HTMLElement} host a status, so that it is heard
 * @param {() => void} retry
 */
export function mountNews(host, retry) {
  const text = make("span");
  const again = button("", retry);
  const box = make("div", {}, text, make("div", { class: "buttons" }, again));
  host.replaceChildren(box);
  /** @type {{arrived: string[], left: string[]}} */
  let news = { arrived: [], left: [] };
  /** @type {{message: string, seconds: number} | null} */
  let trouble = null;

  /** @param {boolean} paused */
  const show = (paused) => {
    box.className = trouble ? "error" : "note news";
    // Whoever has pressed the button is not left without a place when it goes.
    if (!trouble && document.activeElement === again) document.getElementById("pause")?.focus();
    again.hidden = trouble === null;
    write(again, t("Try now", "立即重试"));
    write(text, trouble ? troubleText(trouble, paused) : newsText(news));
    box.hidden = text.textContent === "";
  };

  return {
    show,
    /** @param {{arrived: string[], left: string[]}} next */
    tell(next) {
      if (next.arrived.length || next.left.length) news = next;
    },
    /** @param {{message: string, seconds: number} | null} next */
    trouble(next) {
      trouble = next;
    },
    troubled: () => trouble !== null,
  };
}

/** @param {{message: string, seconds: number}} trouble @param {boolean} paused */
function troubleText({ message, seconds }, paused) {
  return message + (paused ? t(". Paused: it is not asked again by itself.", "。已暂停，不会自动重试。")
    : t(`. Trying again in ${seconds} s; what is shown is as it was.`, `。${seconds} 秒后重试；显示的是之前的内容。`));
}

/** @param {{arrived: string[], left: string[]}} news */
function newsText({ arrived, left }) {
  return [
    arrived.length ? t(`New: ${arrived.join(", ")}.`, `新出现：${arrived.join("、")}。`) : "",
    left.length ? t(`Gone: ${left.join(", ")}.`, `已消失：${left.join("、")}。`) : "",
  ].filter(Boolean).join(" ");
}
