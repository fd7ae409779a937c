/** The list of lessons, with what has been answered already. */

import { byId } from "../shared/elements.js";
import { onLanguage, t } from "../shared/language.js";
import { lessons } from "../shared/api.js";
import { dressPage } from "./page.js";
import { answered } from "./progress.js";

/** @type {Map<string, number>} */
const asked = new Map();

function showProgress() {
  for (const item of byId("main").querySelectorAll("[data-lesson]")) {
    if (!(item instanceof HTMLElement)) continue;
    const name = item.dataset.lesson ?? "";
    const [right, all] = [answered(name).size, asked.get(name)];
    const line = item.querySelector(".done");
    if (!(line instanceof HTMLElement)) continue;
    line.hidden = right === 0 || all === undefined;
    line.textContent = t(`✓ ${right} of ${all} questions answered`, `✓ 答对 ${right} 题，共 ${all} 题`);
  }
}

dressPage();
onLanguage(showProgress);
lessons().then((found) => {
  for (const lesson of found.lessons) asked.set(lesson.id, lesson.questions.length);
  showProgress();
}, () => {
  // Without the server's list the lessons can be read all the same.
});
