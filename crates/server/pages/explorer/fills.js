/** What stands in the input and in the kernel: counting, ones, an impulse, chance, a picture, numbers of one's own. */

import { ApiError, picture } from "../shared/api.js";
import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { isNumbers } from "./state.js";

/** Seeds that are drawn are short, so that addresses are. */
const SEEDS = 10_000;

/**
 * @param {HTMLElement} host
 * @param {"x" | "w"} grid
 * @param {import("./state.js").Store} store
 */
export function mountFill(host, grid, store) {
  const id = `field-${grid}`;
  const label = grid === "x" ? t("Numbers of the input", "输入的数值") : t("Numbers of the kernel", "卷积核的数值");
  /** @type {[string, string][]} */
  const kinds = [
    ["count", "1, 2, 3, …"], ["ones", t("all 1", "全为 1")], ["impulse", t("one 1 in the middle", "中间一个 1")],
    ["random", t("random", "随机")],
    ...(grid === "w" ? /** @type {[string, string][]} */ ([["bilinear", t("bilinear", "双线性")]]) : []),
    ["numbers", t("my own (edit the grid)", "自己的（直接改格子）")],
  ];
  const select = make("select", { id });
  for (const [value, text] of kinds) select.append(make("option", { value }, text));
  const draw = () => store.set({ [grid]: `random:${Math.floor(Math.random() * SEEDS)}` });
  select.addEventListener("change", () => {
    if (select.value === "random") draw();
    else if (select.value !== "numbers") store.set({ [grid]: select.value });
  });
  const again = button(t("draw again", "重新随机"), draw, { class: "quiet" });
  const refused = make("div", { id: `refused-${grid}` });
  host.className = "field";
  host.replaceChildren(make("label", { for: id }, label), select, again, ...(grid === "x" ? [pictureField(store)] : []), refused);
  return {
    /** @param {import("./state.js").State} state */
    show(state) {
      const fill = state[grid];
      select.value = isNumbers(fill) ? "numbers" : fill.startsWith("random") ? "random" : fill;
      again.hidden = select.value !== "random";
    },
  };
}

/**
 * A picture of one's own as the input: the server makes grey values of it, as many as there are cells.
 * @param {import("./state.js").Store} store
 */
function pictureField(store) {
  const message = make("div", { role: "status", class: "note" });
  const file = make("input", { type: "file", accept: "image/*", class: "visually-hidden", id: "picture", tabindex: "-1", "aria-label": t("Picture for the input", "用作输入的图片") });
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    const sides = store.get().words.input.split(/x/i).map(Number);
    const [rows, columns] = sides.length === 1 ? [1, sides[0] ?? 1] : [sides[0] ?? 1, sides[1] ?? 1];
    try {
      const { values } = await picture(chosen, rows, columns);
      message.textContent = "";
      store.set({ x: values.join(","), shade: true });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      message.textContent = error.message;
    }
    file.value = "";
  });
  const open = button(t("a picture …", "一张图片 …"), () => file.click(), { class: "quiet" });
  const larger = button(t("larger input (16x16)", "更大的输入（16x16）"), () => store.set({ words: { input: "16x16", output: "" } }), { class: "quiet" });
  return make("div", { class: "beside" }, file, open, larger, message);
}
