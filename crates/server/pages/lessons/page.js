/** What every page of the lessons does: header, language of title and texts, and links that keep the language. */

import { mountHeader } from "../shared/header.js";
import { language, onLanguage, translatePage } from "../shared/language.js";

export function dressPage() {
  mountHeader("lessons");
  translatePage(document);
  onLanguage(() => {
    translatePage(document.head);
    keepLanguage();
  });
  keepLanguage();
}

/** Storage may be forbidden, so that the address alone carries the language. */
function keepLanguage() {
  for (const link of document.querySelectorAll('main a[href^="/"]')) {
    if (!(link instanceof HTMLAnchorElement)) continue;
    const address = new URL(link.href);
    address.searchParams.set("lang", language());
    link.href = `${address.pathname}${address.search}`;
  }
}
