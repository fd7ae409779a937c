/** The derivation of the sizes of a setting: `<div class="derived" data-words="dialect=...&input=...">`. */

import { ApiError, explain } from "../shared/api.js";
import { make } from "../shared/elements.js";
import { onLanguage } from "../shared/language.js";

/** @param {HTMLElement} host */
export function mountDerivation(host) {
  const words = Object.fromEntries(new URLSearchParams(host.dataset.words ?? ""));
  const show = async () => {
    try {
      const { derivation } = await explain(words);
      host.replaceChildren(make("ol", { class: "derivation" }, ...derivation.map((step) => make("li", {}, step))));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      host.replaceChildren(make("p", { class: "error" }, error.message));
    }
  };
  onLanguage(show);
  void show();
}
