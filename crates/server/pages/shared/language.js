/**
 * The language of the page: English or Simplified Chinese.
 *
 * early.js has chosen it from ?lang=, what was chosen before, or the browser. Text of a page stands in its HTML in
 * English, with the Chinese beside it as data-zh (and data-zh-label for aria-label); whole paragraphs stand twice,
 * with lang="en" and lang="zh-CN", and style.css shows one.
 */

/** @typedef {import("./types.js").Language} Language */

const CHANGED = "upconv:language";

/** @returns {Language} */
export function language() {
  return document.documentElement.dataset.language === "zh" ? "zh" : "en";
}

/**
 * @param {string} en
 * @param {string} zh
 */
export function t(en, zh) {
  return language() === "zh" ? zh : en;
}

/**
 * Switches, keeps the choice, and writes it into the address, so that a copied link shows the same page.
 * @param {Language} chosen
 */
export function setLanguage(chosen) {
  const root = document.documentElement;
  root.dataset.language = chosen;
  root.lang = chosen === "zh" ? "zh-CN" : "en";
  try {
    localStorage.setItem("upconv.language", chosen);
  } catch {
    // Storage may be forbidden; the address still holds it.
  }
  const address = new URL(location.href);
  address.searchParams.set("lang", chosen);
  history.replaceState(history.state, "", address);
  translatePage(document.body);
  document.dispatchEvent(new Event(CHANGED));
}

/** @param {() => void} listener */
export function onLanguage(listener) {
  document.addEventListener(CHANGED, listener);
}

/**
 * Puts every element with data-zh under `root` into the language of the page.
 * @param {ParentNode} root
 */
export function translatePage(root) {
  const chinese = language() === "zh";
  for (const element of root.querySelectorAll("[data-zh]")) {
    if (!(element instanceof HTMLElement)) continue;
    element.dataset.en ??= element.textContent ?? "";
    element.textContent = (chinese ? element.dataset.zh : element.dataset.en) ?? "";
  }
  for (const element of root.querySelectorAll("[data-zh-label]")) {
    if (!(element instanceof HTMLElement)) continue;
    element.dataset.enLabel ??= element.getAttribute("aria-label") ?? "";
    element.setAttribute("aria-label", (chinese ? element.dataset.zhLabel : element.dataset.enLabel) ?? "");
  }
}
