/** A sheet of pictures that a network draws out of chance: the same seed draws the same. */

import { ApiError, sample } from "../shared/api.js";
import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { createAddresses, save } from "./files.js";
import { patiently } from "./patience.js";
import { waiting } from "./segment-view.js";
import { LARGEST_SEED, MOST_DRAWN } from "./state.js";

/**
 * @typedef {import("../shared/types.js").Network} Network
 * @typedef {import("./state.js").Store} Store
 */

/**
 * @param {HTMLElement} host
 * @param {Store} store
 */
export function mountDraw(host, store) {
  const addresses = createAddresses();
  /** @type {Blob | null} */
  let sheet = null;
  let drawn = "";
  let turn = new AbortController();
  const said = make("div", { role: "status" });
  const image = make("img", { class: "sheet hidden", alt: "" });
  const controls = make("div", { class: "buttons" });
  host.replaceChildren(controls, said, image);

  /** @param {"seed" | "count"} name @param {string} label @param {number} least @param {number} most */
  const field = (name, label, least, most) => {
    const input = make("input", { type: "number", id: `draw-${name}`, min: String(least), max: String(most), step: "1" });
    input.value = String(store.get()[name]);
    input.addEventListener("change", () => {
      const value = Math.min(most, Math.max(least, Math.round(Number(input.value) || 0)));
      input.value = String(value);
      store.set({ [name]: value }, { step: true });
    });
    return make("label", { class: "entry-label" }, `${label} `, input);
  };

  /** @param {Network} network */
  const relabel = (network) => {
    controls.replaceChildren(
      field("seed", t("Seed", "种子"), 0, LARGEST_SEED), field("count", t("Pictures", "张数"), 1, MOST_DRAWN),
      button(t("Next seed", "下一个种子"), () => store.set({ seed: store.get().seed + 1 }, { step: true }), { class: "primary" }),
      button(t("Save the sheet", "保存整张图"), () => {
        const { seed } = store.get();
        if (sheet) save(sheet, `${network.name}.seed${seed}.png`);
      }));
    drawn = "";
    show(network);
  };

  /** @param {Network} network */
  const show = (network) => {
    const { seed, count } = store.get();
    const now = JSON.stringify([network.name, seed, count]);
    if (now === drawn) return;
    drawn = now;
    for (const name of /** @type {const} */ (["seed", "count"])) {
      const input = document.getElementById(`draw-${name}`);
      if (input instanceof HTMLInputElement) input.value = String(store.get()[name]);
    }
    void ask(network, seed, count);
  };

  /** @param {Network} network @param {number} seed @param {number} count */
  const ask = async (network, seed, count) => {
    turn.abort();
    turn = new AbortController();
    const { signal } = turn;
    host.setAttribute("aria-busy", "true");
    image.classList.add("stale");
    try {
      const got = await patiently(() => sample({ model: network.name, seed, count }, signal), {
        signal, onWait: (error, seconds) => said.replaceChildren(error ? make("p", { class: "warning" }, waiting(error, seconds)) : ""),
      });
      if (signal.aborted) return;
      sheet = got;
      const old = addresses.take();
      image.src = addresses.of(got);
      image.alt = t(`${count} pictures that ${network.name} drew from seed ${seed}`, `${network.name} 由种子 ${seed} 画出的 ${count} 张图片`);
      await image.decode().catch(() => undefined);
      old();
      image.classList.remove("hidden");
      said.replaceChildren(make("p", { class: "note" }, t(`${count} pictures from seed ${seed}: the same seed draws the same.`, `种子 ${seed} 的 ${count} 张图片：同一个种子总是画出同样的图片。`)));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      sheet = null;
      image.classList.add("hidden");
      drawn = "";
      said.replaceChildren(make("div", { class: "error" }, error.message, make("div", { class: "buttons" }, button(t("Try again", "重试"), () => show(network)))));
    }
    if (signal.aborted) return;
    image.classList.remove("stale");
    host.setAttribute("aria-busy", "false");
  };
  return { show, relabel };
}
