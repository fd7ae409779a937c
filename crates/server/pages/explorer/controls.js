/** The fields on the left: what is set, and at each field why it is refused and what would be legal. */

import { button, make } from "../shared/elements.js";
import { language, t } from "../shared/language.js";
import { dialectLabel, DIALECTS, PADDING_WORDS, sizeFields } from "./fields.js";
import { mountFill } from "./fills.js";

/**
 * @typedef {import("./state.js").State} State
 * @typedef {import("./state.js").Store} Store
 * @typedef {import("../shared/types.js").ErrorObject} ErrorObject
 * @typedef {import("../shared/types.js").Words} Words
 * @typedef {import("./refusal.js").Offer} Offer
 */

/**
 * @param {HTMLElement} host
 * @param {Store} store
 * @param {() => string} shownOutput the size that is shown, which an empty field counts from
 */
export function mountControls(host, store, shownOutput) {
  /** Fields are drawn anew only where their set or the language changes: typing is not disturbed. */
  let drawn = "";
  /** @type {Map<string, HTMLInputElement | HTMLSelectElement>} */
  const fields = new Map();
  /** @type {ReturnType<typeof mountFill>[]} */
  let fills = [];

  /** @param {State} state */
  const draw = (state) => {
    fields.clear();
    const visible = sizeFields().filter(({ name, lacking }) =>
      !lacking?.some((dialect) => dialect === state.words.dialect) || state.words[name]);
    const boxes = visible.map((field) => box(field.name, field.label, field.hint, entry(field)));
    const before = boxes.splice(0, visible.findIndex(({ name }) => name === "output" || name === "output_padding" || name === "groups"));
    const numbers = { x: make("div"), w: make("div") };
    host.replaceChildren(
      box("dialect", t("Dialect", "框架"), t("whose rules hold", "用谁的规则"), dialect()),
      rank(state), ...pairs(before), paddingBox(), ...pairs(boxes), numbers.x, numbers.w);
    fills = [mountFill(numbers.x, "x", store), mountFill(numbers.w, "w", store)];
  };

  /**
   * @param {string} name
   * @param {string} label
   * @param {string} hint
   * @param {HTMLElement} control
   */
  const box = (name, label, hint, control) => make("div", { class: "field" },
    make("label", { for: `field-${name}` }, label, " ", make("span", { class: "hint" }, hint)), control,
    make("div", { id: `refused-${name}` }));

  const dialect = () => {
    const select = make("select", { id: "field-dialect" });
    for (const { name } of DIALECTS) select.append(make("option", { value: name }, dialectLabel(name)));
    select.addEventListener("change", () => store.set({ words: { dialect: select.value } }));
    fields.set("dialect", select);
    return select;
  };

  /** @param {State} state */
  const rank = (state) => {
    const axes = state.words.input.split(/x/i).length;
    const pill = (/** @type {number} */ wanted) => {
      const radio = make("input", { type: "radio", name: "rank", id: `rank-${wanted}`, value: String(wanted), checked: axes === wanted });
      radio.addEventListener("change", () => store.set({ words: withRank(store.get().words, wanted), cell: "", x: plain(store.get().x), w: plain(store.get().w) }));
      return make("label", {}, radio, make("span", {}, wanted === 1 ? t("1-D", "一维") : t("2-D", "二维")));
    };
    return make("fieldset", { class: "field" }, make("legend", { class: "label" }, t("Axes", "轴数")), make("div", { class: "pills" }, pill(1), pill(2)));
  };

  /** @param {ReturnType<typeof sizeFields>[number]} field */
  const entry = ({ name, label, empty }) => {
    const text = make("input", { type: "text", id: `field-${name}`, placeholder: empty, autocomplete: "off", spellcheck: "false" });
    text.addEventListener("change", () => store.set({ words: { [name]: text.value.trim() } }));
    /** @param {number} by */
    const step = (by) => {
      const usual = name === "output" ? shownOutput() : /^\d+$/.test(empty ?? "") ? empty : "";
      const now = text.value || usual || store.get().words.input;
      text.value = now.replace(/\d+/g, (digits) => String(Math.max(0, Number(digits) + by)));
      store.set({ words: { [name]: text.value } });
    };
    text.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      step(event.key === "ArrowUp" ? 1 : -1);
    });
    fields.set(name, text);
    return make("div", { class: "entry" }, text,
      button("−", () => step(-1), { "aria-label": t(`${label}: one less`, `${label}：减一`) }),
      button("+", () => step(1), { "aria-label": t(`${label}: one more`, `${label}：加一`) }));
  };

  const paddingBox = () => {
    const select = make("select", { id: "field-padding" });
    for (const word of PADDING_WORDS) select.append(make("option", { value: word }, word || t("the dialect's own", "框架的默认值")));
    select.append(make("option", { value: "numbers" }, t("numbers …", "数字 …")));
    const text = make("input", {
      type: "text", class: "entry", placeholder: "1, 1x2, 1:0, 1:0,0:1", autocomplete: "off", hidden: true,
      "aria-label": t("Padding in numbers", "填充的数字"),
    });
    select.addEventListener("change", () => {
      text.hidden = select.value !== "numbers";
      if (text.hidden) store.set({ words: { padding: select.value } });
      else text.focus();
    });
    text.addEventListener("change", () => store.set({ words: { padding: text.value.trim() } }));
    fields.set("padding", select);
    fields.set("padding-numbers", text);
    return box("padding", t("Padding", "填充"), t("cut off the result", "从结果上裁掉"), make("div", {}, select, text));
  };

  /** @param {State} state */
  const fill = (state) => {
    for (const [name, field] of fields) {
      if (name === "padding" || name === "padding-numbers") continue;
      field.value = state.words[/** @type {keyof Words} */ (name)];
    }
    const { padding } = state.words;
    const named = PADDING_WORDS.includes(padding);
    const [select, text] = [fields.get("padding"), fields.get("padding-numbers")];
    if (select) select.value = named ? padding : "numbers";
    if (text) {
      text.hidden = named;
      text.value = named ? "" : padding;
    }
    for (const part of fills) part.show(state);
  };

  /**
   * @param {State} state
   * @param {ErrorObject | null} error
   * @param {Offer[]} offers
     */
  const show = (state, error, offers) => {
    const set = JSON.stringify([language(), state.words.dialect, state.words.input.split(/x/i).length,
      sizeFields().filter(({ name, lacking }) => lacking && state.words[name]).map(({ name }) => name)]);
    if (set !== drawn) {
      const focused = host.contains(document.activeElement) ? document.activeElement?.id : "";
      draw(state);
      drawn = set;
      if (focused) document.getElementById(focused)?.focus();
    }
    fill(state);
    refuse(host, error, offers);
  };
  return { show };
}

/**
 * Shows the message next to its field.
 * @param {HTMLElement} host
 * @param {ErrorObject | null} error
 * @param {Offer[]} offers
 */
function refuse(host, error, offers) {
  for (const place of host.querySelectorAll("[id^=refused-]")) place.replaceChildren();
  for (const field of host.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
  const place = error?.field ? document.getElementById(`refused-${error.field}`) : null;
  if (!error || !place) return;
  place.append(refusalBox(error, offers, "refusal"));
  const field = document.getElementById(`field-${error.field}`);
  field?.setAttribute("aria-invalid", "true");
  field?.setAttribute("aria-describedby", "refusal");
}

/**
 * The message with what is offered.
 * @param {ErrorObject} error
 * @param {Offer[]} offers
 * @param {string} id
 */
export function refusalBox(error, offers, id) {
  return make("div", { class: "error", id }, error.message,
    offers.length ? make("div", { class: "buttons" }, ...offers.map(({ text, take }) => button(text, take))) : null);
}

/** Two fields beside each other. @param {HTMLElement[]} boxes */
function pairs(boxes) {
  const rows = [];
  for (let at = 0; at < boxes.length; at += 2) rows.push(make("div", { class: "pair" }, ...boxes.slice(at, at + 2)));
  return rows;
}

/**
 * The same words with another number of axes.
 * @param {Required<Words>} words
 * @param {number} axes
 * @returns {Words}
 */
function withRank(words, axes) {
  /** @param {string} word */
  const first = (word) => word.split(/[x,]/i)[0] ?? "";
  const { input, kernel, stride, dilation, padding, output, output_padding } = words;
  const repeat = (/** @type {string} */ word) => (word && axes === 2 ? `${first(word)}x${first(word)}` : first(word));
  return {
    input: repeat(input), kernel: repeat(kernel), output: repeat(output), stride: first(stride), dilation: first(dilation),
    output_padding: first(output_padding), padding: /\d/.test(padding) ? first(padding) : padding,
  };
}

/** Numbers of another number of axes do not fit. @param {string} fill */
function plain(fill) {
  return /^[a-z]/.test(fill) ? fill : "count";
}
