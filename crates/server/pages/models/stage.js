/** The place where the pictures of one result lie on each other, with a wipe that uncovers the photo. */

import { make } from "../shared/elements.js";
import { t } from "../shared/language.js";

/** @typedef {import("./state.js").View} View */

/** A small picture is not blown up further. */
const LARGEST = 3;
/** Wider pictures take the whole width; beside others is room for what belongs to them. */
const WIDE = 1.5;

export function stageOf() {
  const canvas = make("canvas", { role: "img" });
  const pictures = { mask: make("img", { alt: "" }), cutout: make("img", { alt: "", class: "chessboard" }) };
  const photo = make("img", { alt: "", class: "photo" });
  const layers = { overlay: canvas, ...pictures };
  const element = make("div", { class: "stage" }, canvas, pictures.mask, pictures.cutout, photo);
  const wipe = make("input", { type: "range", id: "wipe", min: "0", max: "100", value: "0" });
  const compare = make("div", { class: "slider" }, make("label", { for: "wipe" }, t("Compare with the photo", "与照片比较")), wipe);
  wipe.addEventListener("input", () => uncover());

  const uncover = () => {
    const part = Number(wipe.value);
    photo.classList.toggle("hidden", part === 0);
    photo.style.clipPath = `inset(0 ${100 - part}% 0 0)`;
    wipe.setAttribute("aria-valuetext", t(`${part} % of the photo`, `照片的 ${part} %`));
  };
  uncover();

  return {
    element, canvas, compare,
    /** @param {{width: number, height: number, photo: string, mask: string | null, cutout: string | null}} of addresses */
    put({ width, height, photo: address, mask, cutout }) {
      element.style.setProperty("--ratio", String(width / height));
      element.style.setProperty("--most", `${LARGEST * width}px`);
      element.classList.toggle("wide", width / height >= WIDE);
      photo.src = address;
      if (mask) pictures.mask.src = mask;
      if (cutout) pictures.cutout.src = cutout;
    },
    /** @param {View} view @param {string} label */
    show(view, label) {
      for (const [name, layer] of Object.entries(layers)) layer.classList.toggle("hidden", name !== view);
      const layer = layers[view];
      if (layer instanceof HTMLCanvasElement) layer.setAttribute("aria-label", label);
      else layer.alt = label;
    },
  };
}
