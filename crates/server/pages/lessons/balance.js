/** Taps that can be changed, and whether they leave a chessboard. */

import { ApiError, balance } from "../shared/api.js";
import { button, make } from "../shared/elements.js";
import { onLanguage, t } from "../shared/language.js";
import { showNumber, showShort } from "../shared/numbers.js";

/** @typedef {import("../shared/types.js").BalanceData} BalanceData */

/** Cells of the pattern along each side. */
const PATTERN = 8;
/** Steps of heat, as many as in style.css. */
const HEATS = 8;
/** Milliseconds without a change before the server is asked. */
const PAUSE = 250;

/** Taps that are worth a look, on two axes. */
const PRESETS = [
  { taps: "1 1 1 1 1 1 1 1 1", side: 3 },
  { taps: "1 2 1 2 4 2 1 2 1", side: 3 },
  { taps: "1 2 3 4", side: 2 },
  { taps: "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", side: 4 },
];

/** @param {string | undefined} text */
export function numbersOf(text) {
  return (text ?? "").split(" ").filter((part) => part !== "").map(Number);
}

/**
 * `<div class="balance" data-stride="2 2">`, for one input and one output channel.
 * @param {HTMLElement} host
 */
export function mountBalance(host) {
  const stride = numbersOf(host.dataset.stride);
  let chosen = PRESETS[0] ?? { taps: "1", side: 1 };
  let values = numbersOf(chosen.taps);
  const bar = make("div", { class: "buttons", role: "group" });
  const taps = make("div", { class: "taps", role: "group" });
  const result = make("div", { class: "measured", role: "status" });
  host.replaceChildren(bar, make("div", { class: "beside" }, taps, result));

  let asked = 0;
  const measure = async () => {
    const taken = PRESETS.findIndex((preset) => preset.side === chosen.side && preset.taps === values.join(" "));
    [...bar.children].forEach((child, at) => child.setAttribute("aria-pressed", String(at === taken)));
    asked += 1;
    const turn = asked;
    try {
      const data = await balance({ values, shape: [1, 1, chosen.side, chosen.side], stride });
      if (turn === asked) result.replaceChildren(...shown(data));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === asked) result.replaceChildren(make("p", { class: "error" }, error.message));
    }
  };

  const fields = () => {
    taps.setAttribute("aria-label", t("Taps", "核元素"));
    taps.style.setProperty("--side", String(chosen.side));
    taps.replaceChildren(...values.map((value, at) => {
      const [row, column] = [Math.floor(at / chosen.side), at % chosen.side];
      const field = make("input", {
        type: "number", step: "any", value: String(value),
        "aria-label": t(`tap, row ${row}, column ${column}`, `核元素，第 ${row} 行第 ${column} 列`),
      });
      let waiting = 0;
      field.addEventListener("input", () => {
        // An empty field, or one that is being written, is no number yet.
        if (!Number.isFinite(field.valueAsNumber)) return;
        values[at] = field.valueAsNumber;
        clearTimeout(waiting);
        waiting = setTimeout(measure, PAUSE);
      });
      return field;
    }));
  };

  const show = () => {
    bar.setAttribute("aria-label", t("Taps to look at", "可供比较的核元素"));
    bar.replaceChildren(...PRESETS.map((preset) => button(named(preset), () => {
      chosen = preset;
      values = numbersOf(preset.taps);
      fields();
      void measure();
    })));
    fields();
    void measure();
  };
  onLanguage(show);
  show();
}

/** `1 2 1 / 2 4 2 / 1 2 1` @param {{taps: string, side: number}} preset */
function named({ taps, side }) {
  const parts = taps.split(" ");
  if (parts.every((part) => part === parts[0])) return t(`${side}x${side}, all ${parts[0]}`, `${side}x${side}，全是 ${parts[0]}`);
  const rows = Array.from({ length: side }, (_, row) => parts.slice(row * side, row * side + side).join(" "));
  return rows.join(" / ");
}

/** @param {BalanceData} data */
function shown(data) {
  const head = [t("Phase", "相位"), t("Taps", "核元素个数"), t("Response", "响应")];
  const table = make("table", {},
    make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...data.phases.map((phase) => make("tr", {},
      make("th", { scope: "row" }, `(${phase.phase.join(", ")})`),
      make("td", { class: "number" }, String(phase.taps)),
      make("td", { class: "number" }, showNumber(phase.response))))));
  const even = data.imbalance === 0;
  const words = even
    ? t("no chessboard from a constant input", "常数输入不产生棋盘格")
    : t("a chessboard", "有棋盘格");
  return [
    make("p", {}, t("Imbalance ", "不平衡度 "), make("strong", {}, showNumber(data.imbalance)), t(": ", "："), words),
    make("div", { class: "beside" }, table, pattern(data)),
  ];
}

/**
 * What an input of 1 everywhere becomes, away from the border: the responses, repeated.
 * @param {BalanceData} data
 */
function pattern(data) {
  const { response } = data.worst;
  const [rows = 1, columns = 1] = data.stride;
  const [least, most] = [Math.min(...response), Math.max(...response)];
  /** @param {number} value */
  const heat = (value) => (data.imbalance === 0 ? 3 : Math.round(((HEATS - 1) * (value - least)) / (most - least)));
  const cells = Array.from({ length: PATTERN * PATTERN }, (_, at) => {
    const [row, column] = [Math.floor(at / PATTERN) % rows, (at % PATTERN) % columns];
    const value = response[row * columns + column] ?? 0;
    return make("span", { "data-paint": `heat-${heat(value)}` }, showShort(value));
  });
  const label = t("What an input of 1 everywhere becomes", "输入处处为 1 时的输出");
  return make("figure", { class: "pattern" },
    make("div", { role: "img", "aria-label": `${label}: ${response.map(showNumber).join(", ")}` }, ...cells),
    make("figcaption", {}, label));
}
