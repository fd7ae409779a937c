/** Pictures and code to take along. */

import { ApiError, draw } from "../shared/api.js";
import { button, make } from "../shared/elements.js";
import { shownTheme } from "../shared/header.js";
import { t } from "../shared/language.js";

/** @typedef {import("./state.js").State} State */

const FORMATS = ["svg", "gif", "png", "html"];
/** Drawings that show what a view of the page shows, where the names differ. @type {Record<string, string>} */
const DRAWN = { crop: "scatter", forward: "scatter" };

/**
 * @param {HTMLElement} host
 * @param {() => State} state
 * @param {() => {name: string, text: string}} code
 */
export function mountExport(host, state, code) {
  const message = make("p", { role: "status", class: "note" });
  /** @param {string} format */
  const picture = async (format) => {
    const { words, x, w, view } = state();
    message.textContent = t("drawing …", "正在绘制 …");
    try {
      const file = await draw({
        ...words, x, w, view: DRAWN[view] ?? view, format, theme: shownTheme(), ...(view === "forward" ? { forward: "true" } : {}),
      });
      save(file, `transposed-convolution-${view}.${format}`);
      message.textContent = "";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      message.textContent = error.message;
    }
  };
  const show = () => host.replaceChildren(
    make("p", {}, t("This setting in this view, as a file. Pictures are free for any use (CC0).", "把当前设置和视图存成文件。图片可任意使用（CC0）。")),
    make("div", { class: "buttons" },
      ...FORMATS.map((format) => button(format.toUpperCase(), () => picture(format))),
      button(t("Code", "代码"), () => {
        const { name, text } = code();
        save(new Blob([text], { type: "text/plain" }), name);
      }),
      button(t("Copy the link", "复制链接"), async () => {
        try {
          await navigator.clipboard.writeText(location.href);
          message.textContent = t("copied: it holds the whole setting", "已复制：链接包含全部设置");
        } catch {
          message.textContent = location.href;
        }
      })),
    message);
  return { show };
}

/** @param {Blob} file @param {string} name */
function save(file, name) {
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: name }).click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
