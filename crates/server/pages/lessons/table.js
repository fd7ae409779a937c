/** Tables that scroll by themselves where the page is narrow, by keyboard too. */

import { make } from "../shared/elements.js";

/**
 * @param {string} label what a screen reader calls it
 * @param {readonly string[]} head
 * @param {readonly HTMLTableRowElement[]} rows
 */
export function scrollingTable(label, head, rows) {
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label },
    make("table", {},
      make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...rows)));
}
