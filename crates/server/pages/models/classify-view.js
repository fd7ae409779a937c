/** What a classifier says: the likeliest classes with bars. */

import { make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { createAddresses } from "./files.js";
import { showPercent } from "./percent.js";
import { MOST_CLASSES } from "./state.js";

/**
 * @typedef {import("../shared/types.js").Predicted} Predicted
 * @typedef {import("./state.js").Store} Store
 *
 * @typedef {{file: Blob, name: string, answer: Predicted}} Shown
 */

/** @param {Store} store */
export function mountClassifyView(store) {
  const addresses = createAddresses();
  /** @type {Shown | null} */
  let shown = null;
  const photo = make("img", { class: "classified-photo" });
  const body = make("tbody");
  const head = [t("Class", "类别"), t("Probability", "概率")];
  const table = make("table", { class: "likely" },
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, head[0]), make("th", { scope: "col", colspan: "2" }, head[1]))), body);
  const slider = make("input", { type: "range", id: "k", min: "1", max: String(MOST_CLASSES), step: "1" });
  slider.addEventListener("input", () => store.set({ k: Number(slider.value) }));
  const number = make("span", { class: "amount" });
  /** @param {"center" | "ten"} crop @param {string} words */
  const pill = (crop, words) => {
    const radio = make("input", { type: "radio", name: "crop", id: `crop-${crop}`, value: crop });
    radio.addEventListener("change", () => store.set({ crop }, { step: true }));
    return make("label", {}, radio, make("span", {}, words));
  };
  const crops = make("fieldset", {}, make("legend", {}, t("Which part is looked at", "看哪一部分")),
    make("div", { class: "pills" }, pill("center", t("the centre", "中央")), pill("ten", t("ten parts, averaged", "十个部分取平均"))));
  const facts = make("p", { class: "note" });
  const element = make("div", { class: "classified" },
    make("div", { class: "beside-photo" }, photo, make("div", {}, table, facts)),
    make("div", { class: "slider" }, make("label", { for: "k" }, t("Classes shown", "显示类别数")), slider, number),
    crops);

  const update = () => {
    const { k, crop } = store.get();
    slider.value = String(k);
    number.textContent = String(k);
    for (const radio of crops.querySelectorAll("input")) radio.checked = radio.value === crop;
    if (!shown) return;
    const { answer, name } = shown;
    photo.alt = name;
    body.replaceChildren(...answer.top.slice(0, k).map(({ index, id, label, probability }) => {
      const bar = make("span", { class: "bar", "aria-hidden": "true" });
      bar.style.width = `${100 * probability}%`;
      return make("tr", {}, make("th", { scope: "row", translate: "no" }, label, " ", make("small", { class: "faint" }, id ?? String(index))),
        make("td", {}, bar), make("td", { class: "number" }, showPercent(probability)));
    }));
    facts.replaceChildren(`${answer.width} × ${answer.height} · `, make("code", {}, answer.network));
  };

  /** @param {Shown} next */
  const show = async (next) => {
    shown = next;
    const old = addresses.take();
    photo.src = addresses.of(next.file);
    old();
    update();
  };
  return { element, show, update, free: () => addresses.free() };
}
