/** The same layer as code, one tab for each framework. */

import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";

/** @typedef {import("../shared/types.js").CodeName} CodeName */

/** @type {[CodeName, string, string][]} name, label, ending of a file */
const TABS = [
  ["tensorflow", "TensorFlow", "py"], ["keras", "Keras", "py"], ["pytorch", "PyTorch", "py"], ["onnx", "ONNX", "py"], ["upconv", "upconv (Rust)", "rs"],
];

/** @param {HTMLElement} host */
export function mountCode(host) {
  /** @type {Record<CodeName, string> | null} */
  let code = null;
  let open = 0;
  const text = make("pre", { id: "code-text", role: "tabpanel", tabindex: "0" });
  const tabs = make("div", { class: "buttons", role: "tablist" });
  const said = make("span", { role: "status", class: "note" });
  const copy = button("", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent ?? "");
      said.textContent = t("copied", "已复制");
    } catch {
      // Without leave to write the clipboard the text is marked, ready for the reader's own keys.
      getSelection()?.selectAllChildren(text);
      said.textContent = t("marked: copy it with your keys", "已选中：请用快捷键复制");
    }
  });
  host.replaceChildren(tabs, make("p"), text, make("p"), make("div", { class: "buttons" }, copy, said));

  const draw = () => {
    const focused = tabs.contains(document.activeElement);
    tabs.replaceChildren(...TABS.map(([, label], at) => {
      const chosen = at === open;
      const tab = button(label, () => select(at), {
        role: "tab", "aria-selected": String(chosen), "aria-pressed": null, "aria-controls": "code-text", tabindex: chosen ? "0" : "-1", class: chosen ? "primary" : null,
      });
      tab.addEventListener("keydown", (event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (by) select((open + by + TABS.length) % TABS.length);
      });
      if (chosen) queueMicrotask(() => focused && tab.focus());
      return tab;
    }));
    const [name = "upconv", label = ""] = TABS[open] ?? [];
    text.setAttribute("aria-label", label);
    text.textContent = code?.[name] ?? "";
    copy.textContent = t("Copy", "复制");
    said.textContent = "";
  };
  /** @param {number} at */
  const select = (at) => {
    open = at;
    draw();
  };

  draw();
  return {
    /** @param {Record<CodeName, string>} now */
    show(now) {
      code = now;
      draw();
    },
    /** The code that is open, as a file. */
    file() {
      const [name = "upconv", , ending = "txt"] = TABS[open] ?? [];
      return { name: `transposed-convolution-${name}.${ending}`, text: code?.[name] ?? "" };
    },
  };
}
