/** The head of every page: name, pages, language and theme. */

import { button, make } from "./elements.js";
import { language, onLanguage, setLanguage, t } from "./language.js";

const THEMES = ["auto", "light", "dark"];

/**
 * Fills `<header id="header">`.
 * @param {"explorer" | "lessons" | "models" | "runs"} current
 */
export function mountHeader(current) {
  const header = document.getElementById("header");
  if (!header) return;
  const draw = () => {
    const lang = `?lang=${language()}`;
    /** @param {string} name @param {string} address @param {string} text */
    const link = (name, address, text) =>
      make("a", { href: address + lang, "aria-current": name === current ? "page" : null }, text);
    header.replaceChildren(
      make("a", { class: "skip", href: "#main" }, t("Skip to the content", "跳到正文")),
      make("a", { class: "brand", href: `/${lang}` }, "upconv ", make("span", {}, t("transposed convolution", "转置卷积"))),
      make("nav", { "aria-label": t("Pages", "页面") },
        link("explorer", "/", t("Explorer", "探索器")), link("lessons", "/lessons/", t("Lessons", "课程")),
        link("models", "/models/", t("Models", "模型")), link("runs", "/runs/", t("Runs", "训练"))),
      make("div", { class: "switches" }, themeSwitch(), languageSwitch()),
    );
  };
  draw();
  onLanguage(draw);
}

function languageSwitch() {
  const chinese = language() === "zh";
  return button(chinese ? "English" : "中文", () => {
    setLanguage(chinese ? "en" : "zh");
    // The header is drawn anew: keep the focus where it was.
    const again = document.querySelector("#header .language");
    if (again instanceof HTMLElement) again.focus();
  }, { class: "language", lang: chinese ? "en" : "zh-CN" });
}

function themeSwitch() {
  const root = document.documentElement;
  const names = [t("Theme: system", "主题：跟随系统"), t("Theme: light", "主题：浅色"), t("Theme: dark", "主题：深色")];
  const select = make("select", { "aria-label": t("Theme", "主题") });
  THEMES.forEach((theme, at) => select.append(make("option", { value: theme }, names[at])));
  select.value = root.dataset.theme ?? "auto";
  select.addEventListener("change", () => {
    if (select.value === "auto") delete root.dataset.theme;
    else root.dataset.theme = select.value;
    try {
      localStorage.setItem("upconv.theme", select.value);
    } catch {
      // Storage may be forbidden; the theme holds for this page.
    }
  });
  return select;
}

/** The theme that is seen now. @returns {"light" | "dark"} */
export function shownTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
