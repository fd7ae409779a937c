/** The runs: asks the server for them as they go, and hands what is known to the parts of the page. */

import { button, byId, make } from "../shared/elements.js";
import { mountHeader } from "../shared/header.js";
import { onLanguage, t, translatePage } from "../shared/language.js";
import { mountCharts } from "./charts.js";
import { createKnown } from "./known.js";
import { mountList } from "./list.js";
import { watchRuns } from "./live.js";
import { mountNews } from "./news.js";
import { mountPictures } from "./pictures.js";
import { mountSettings } from "./settings.js";
import { chosen, createStore, searchOf, toggled } from "./state.js";
import { write } from "./words.js";

/** So many runs are shown at first where several are trained. */
const MOST_AT_FIRST = 4;

const known = createKnown();
const store = createStore((state) => {
  draw();
  // What was chosen just now is read now.
  if (chosen(state).some(({ name }) => known.entry(name).detail === null)) live.ask();
});
const live = watchRuns({
  wanted: () => chosen(store.get()).filter(({ name }) => !known.entry(name).gone).map(({ name }) => ({ name, tag: known.entry(name).tag })),
  list: takeList,
  run: (name, { run, tag }) => known.takeDetail(name, run, tag),
  refused: (name, error) => known.takeProblem(name, error.message),
  round: () => {
    news.trouble(null);
    draw();
  },
  trouble: ({ message }, seconds) => {
    news.trouble({ message, seconds });
    draw();
  },
});

const news = mountNews(byId("trouble"), () => live.ask());
const list = mountList(byId("list"), {
  toggle: (name) => store.set({ places: toggled(store.get(), name) }),
  none: () => store.set({ places: [] }),
});
const charts = mountCharts(byId("curve-controls"), byId("curves"), store);
const pictures = mountPictures(byId("pictures-part"), byId("pictures"));
const settings = mountSettings(byId("settings-part"), byId("settings"));
const pause = button("", () => {
  live.pause(!live.paused());
  draw();
}, { id: "pause" });
const rhythm = make("span", { class: "note" });
byId("live").replaceChildren(rhythm, pause);

/** @param {import("../shared/types.js").RunSummary[]} runs */
function takeList(runs) {
  const { arrived, left } = known.takeList(runs, store.get().places ?? []);
  const state = store.get();
  if (state.places === null && runs.length > 0) {
    // A page that was opened without a choice begins with what is going on, or went on last.
    const first = { ...state, places: atFirst(runs) };
    history.replaceState(null, "", searchOf(first));
    store.set({ places: first.places });
  }
  news.tell({ arrived, left: left.filter((name) => known.entry(name).summary !== null) });
}

/** @param {import("../shared/types.js").RunSummary[]} runs */
function atFirst(runs) {
  const sound = runs.filter(({ problem }) => problem === null);
  const training = sound.filter(({ state }) => state === "training");
  const newest = sound.toSorted((a, b) => (a.seconds_since_change ?? Infinity) - (b.seconds_since_change ?? Infinity));
  return (training.length ? training.slice(0, MOST_AT_FIRST) : newest.slice(0, 1)).map(({ name }) => name);
}

function draw() {
  const state = store.get();
  const picked = chosen(state);
  const read = picked.flatMap(({ name, place }) => {
    const { detail, summary } = known.entry(name);
    return detail ? [{ name, place, detail, model: summary?.model ?? detail.model }] : [];
  });
  write(pause, live.paused() ? t("Go on", "继续") : t("Pause", "暂停"));
  write(rhythm, live.paused() ? t("paused", "已暂停") : t(`every ${live.every()} s`, `每 ${live.every()} 秒更新`));
  news.show(live.paused());
  list.show(known.all(), picked, known.listed());
  const waiting = picked.some(({ name }) => {
    const { detail, gone, problem, summary } = known.entry(name);
    return detail === null && !gone && problem === null && !summary?.problem;
  });
  charts.show(read.map(({ name, place, detail }) => ({ name, place, curves: detail.curves ?? [] })), state, waiting && !news.troubled());
  pictures.show(read.map(({ name, place, detail }) => ({ name, place, pictures: detail.pictures ?? [] })));
  settings.show(read.flatMap(({ name, place, detail, model }) => (Object.keys(detail.settings ?? {}).length ? [{ name, place, model, settings: detail.settings ?? {} }] : [])));
  for (const link of document.querySelectorAll(".jumps a")) {
    if (link instanceof HTMLAnchorElement) link.hidden = byId(link.hash.slice(1)).hidden;
  }
}

function translate() {
  document.title = t("Runs - upconv", "训练记录 - upconv");
  translatePage(document.body);
}

mountHeader("runs");
translate();
onLanguage(() => {
  translate();
  draw();
  live.ask();
});
draw();
live.ask();
