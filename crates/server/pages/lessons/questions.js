/** The questions at the end of a lesson. The server owns their texts and checks the answers. */

import { ApiError, checkAnswer, lessons } from "../shared/api.js";
import { byId, make } from "../shared/elements.js";
import { onLanguage, t } from "../shared/language.js";
import { answered, keepAnswered } from "./progress.js";

/**
 * @typedef {import("../shared/types.js").Question} Question
 * @typedef {{answer: string, right: boolean, why: string}} Verdict
 */

/** What was answered on this page, by question: it survives a switch of language. @type {Map<string, string>} */
const given = new Map();

export function mountQuestions() {
  const lesson = byId("main").dataset.lesson ?? "";
  const list = byId("questions").querySelector(".list");
  if (!(list instanceof HTMLElement)) return;
  let asked = 0;
  const show = async () => {
    asked += 1;
    const turn = asked;
    try {
      const found = (await lessons()).lessons.find(({ id }) => id === lesson);
      if (turn !== asked) return;
      list.replaceChildren(...(found?.questions ?? []).map((question, at) => ask(lesson, question, at)));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      list.replaceChildren(make("p", { class: "error" }, error.message));
    }
  };
  onLanguage(show);
  void show();
}

/**
 * @param {string} lesson
 * @param {Question} question
 * @param {number} at
 */
function ask(lesson, question, at) {
  const name = `answer-${at}`;
  const { field, read } = question.choices ? choices(question, name) : entry(question, name);
  const verdict = make("div", { class: "verdict", role: "status" });
  const button = make("button", { type: "submit", class: "primary" }, t("Check", "检查"));
  const form = make("form", { class: "question" }, field, make("div", { class: "buttons" }, button), verdict);

  const check = async () => {
    const answer = read();
    if (answer === "") {
      verdict.replaceChildren(make("p", { class: "note" }, t("Answer first.", "请先作答。")));
      return;
    }
    button.disabled = true;
    try {
      const { right, why } = await checkAnswer(lesson, question.id, answer);
      given.set(question.id, answer);
      if (right) keepAnswered(lesson, question.id);
      verdict.replaceChildren(...told({ answer, right, why }));
      form.dataset.right = String(right);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      verdict.replaceChildren(make("p", { class: "error" }, error.message));
    } finally {
      button.disabled = false;
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void check();
  });
  // Another answer is not judged by the verdict on the last one.
  form.addEventListener("input", () => {
    verdict.replaceChildren();
    delete form.dataset.right;
  });
  if (given.has(question.id)) void check();
  else if (answered(lesson).has(question.id)) verdict.append(make("p", { class: "note" }, t("✓ Answered before.", "✓ 以前答对过。")));
  return form;
}

/**
 * The reason is told at once only to a right answer; others may want to think again.
 * @param {Verdict} verdict
 */
function told({ right, why }) {
  if (right) return [make("p", { class: "right" }, make("strong", {}, t("✓ Right. ", "✓ 答对了。")), why)];
  return [
    make("p", { class: "wrong" }, make("strong", {}, t("✗ Not this. ", "✗ 不是这个。")), t("Think again, or read on:", "再想一想，或者看解释：")),
    make("details", {}, make("summary", {}, t("The reason, with the answer", "解释和答案")), make("p", {}, why)),
  ];
}

/** @param {Question} question @param {string} name */
function choices(question, name) {
  const field = make("fieldset", {}, make("legend", {}, question.text));
  (question.choices ?? []).forEach((text, at) => {
    const radio = make("input", { type: "radio", name, value: String(at), checked: given.get(question.id) === String(at) });
    field.append(make("label", { class: "option" }, radio, make("span", {}, text)));
  });
  const read = () => {
    const chosen = field.querySelector("input:checked");
    return chosen instanceof HTMLInputElement ? chosen.value : "";
  };
  return { field, read };
}

/** @param {Question} question @param {string} name */
function entry(question, name) {
  const isSize = question.kind === "size";
  const input = make("input", {
    type: "text", id: name, autocomplete: "off", size: "14", inputmode: isSize ? null : "decimal",
    placeholder: isSize ? t("rows x columns", "行x列") : null, value: given.get(question.id) ?? null,
  });
  const field = make("div", { class: "entry-of-answer" }, make("label", { for: name }, question.text), input);
  // 3 × 4 and ３ｘ４ are 3x4, and a minus may be any that keyboards have.
  const read = () => input.value.normalize("NFKC").trim().replace(/\s*[×xX*]\s*/, "x").replace("\u2212", "-");
  return { field, read };
}
