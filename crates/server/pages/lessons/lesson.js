/** A lesson: its figures, what can be tried on it, and its questions. */

import { activateFigures } from "../shared/figures.js";
import { mountBalance } from "./balance.js";
import { mountChoice } from "./choice.js";
import { mountCures } from "./cures.js";
import { mountDerivation } from "./derivation.js";
import { mountDialects } from "./dialects.js";
import { mountLoss } from "./loss.js";
import { dressPage } from "./page.js";
import { mountQuestions } from "./questions.js";

/**
 * What stands in the place of an element of a class.
 * @type {Record<string, (host: HTMLElement) => void>}
 */
const PARTS = {
  choice: mountChoice,
  derived: mountDerivation,
  dialects: mountDialects,
  balance: mountBalance,
  cures: mountCures,
  loss: mountLoss,
};

dressPage();
activateFigures();
for (const [name, mount] of Object.entries(PARTS)) {
  for (const host of document.querySelectorAll(`main .${name}`)) {
    if (host instanceof HTMLElement) mount(host);
  }
}
mountQuestions();
