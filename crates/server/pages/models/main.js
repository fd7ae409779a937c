/** The models page: the server's list of networks, pictures given to one of them, and what comes of it. */

import { ApiError, models, predict, segment } from "../shared/api.js";
import { button, byId, make } from "../shared/elements.js";
import { mountHeader } from "../shared/header.js";
import { onLanguage, t, translatePage } from "../shared/language.js";
import { showAbout } from "./about.js";
import { mountCamera } from "./camera.js";
import { chosenOf, mountChoice } from "./choice.js";
import { mountDraw } from "./draw.js";
import { unpacked } from "./files.js";
import { mountIntake } from "./intake.js";
import { showOthers, unserved } from "./others.js";
import { patiently } from "./patience.js";
import { createQueue } from "./queue.js";
import { mountResult } from "./result.js";
import { waiting } from "./segment-view.js";
import { createStore, MOST_CLASSES } from "./state.js";
import { mountStrip } from "./strip.js";

/** The tasks that take a picture. */
const SEEING = ["segment", "classify"];

/** @type {import("../shared/types.js").Registry} */
let registry = { models: [], networks: [] };
let loaded = false;

const store = createStore((state, before) => {
  if (!loaded) return;
  const [now, old] = [chosenOf(registry, state), chosenOf(registry, before)];
  if (now.network !== old.network || now.task !== old.task) {
    showChosen();
    queue.again();
  } else if (state.crop !== before.crop && now.task === "classify") queue.again();
  if (now.task === "draw" && now.network) drawing.show(now.network);
  result.update();
  if (state.threshold !== before.threshold) strip.show();
});
const chosen = () => chosenOf(registry, store.get());

/**
 * @param {Blob} file
 * @param {string} name
 * @param {AbortSignal} signal
 * @param {{only: string, seen: boolean}} how
 */
async function ask(file, name, signal, { only, seen }) {
  const { task, network } = chosen();
  const model = network?.name ?? "";
  return task === "classify"
    // All that may be shown at once: the slider then needs no new answer.
    ? unpacked(await predict(file, { model, name, top: MOST_CLASSES, crop: store.get().crop, seen }, signal))
    : unpacked(await segment(file, { model, name, only, seen }, signal));
}

const queue = createQueue(
  (file, signal) => ask(file, file.name, signal, { only: "mask,cutout", seen: true }),
  () => {
    strip.show();
    result.show(chosen().network);
  });
const choice = mountChoice(byId("choice"), store);
const strip = mountStrip(byId("strip"), queue, () => store.get().threshold);
const result = mountResult(byId("result"), store, queue);
const drawing = mountDraw(byId("drawing"), store);
const camera = mountCamera(byId("camera"), {
  onPicture: (file) => give([file]),
  ask: (file, signal) => ask(file, "", signal, { only: store.get().view === "cutout" ? "mask,cutout" : "mask", seen: false }),
  onFrame: async (frame) => {
    const { network } = chosen();
    if (network) await result.showFrame(frame, network);
  },
  onEnd: () => result.endLive(chosen().network),
});
const intake = mountIntake(byId("intake"), { onFiles: give, onCamera: () => void camera.open() });

/** @param {File[]} files */
function give(files) {
  if (!loaded) return;
  // Who drops a picture while pictures are drawn wants it to be looked at.
  if (!SEEING.includes(chosen().task)) store.set({ task: "segment", network: "" }, { step: true });
  if (!chosen().network) return;
  queue.add(files);
  // On a phone the result stands below what was pressed.
  if (matchMedia("(max-width: 860px)").matches) byId("result-title").scrollIntoView({ block: "start" });
}

function showChosen() {
  const { task, network, model } = chosen();
  choice.show(registry, store.get());
  const sees = SEEING.includes(task) && network !== null;
  if (!sees) camera.close();
  byId("bench").hidden = !sees;
  byId("drawing-card").hidden = task !== "draw" || network === null;
  byId("about-card").hidden = network === null;
  if (network) showAbout(byId("about"), model, network);
  if (task === "draw" && network) drawing.relabel(network);
  result.show(network);
}

async function load() {
  const failure = byId("failure");
  try {
    registry = await patiently(() => models(), {
      onWait: (error, seconds) => failure.replaceChildren(error ? make("p", { class: "warning" }, waiting(error, seconds)) : ""),
    });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    failure.replaceChildren(make("div", { class: "error" }, error.message, make("div", { class: "buttons" }, button(t("Try again", "重试"), load))));
    return;
  }
  failure.replaceChildren();
  loaded = true;
  intake.show();
  camera.relabel();
  strip.show();
  result.relabel(chosen().network);
  showChosen();
  const others = unserved(registry);
  byId("others-card").hidden = others.length === 0;
  showOthers(byId("others"), others);
}

mountHeader("models");
translatePage(document);
onLanguage(() => {
  translatePage(document.head);
  void load();
  // What was refused is told in the language of the page.
  queue.again(({ state }) => state === "failed");
});
void load();
