/** The explorer: asks the server for every setting, and hands the answer to the parts of the page. */

import { ApiError, dialects, explain, trace } from "../shared/api.js";
import { mountDiagram } from "../shared/diagram.js";
import { byId, make } from "../shared/elements.js";
import { mountHeader } from "../shared/header.js";
import { onLanguage, t, translatePage } from "../shared/language.js";
import { cellCount, focusText, parseFocus, restingFocus } from "../shared/lighting.js";
import { playedGrid } from "../shared/panels.js";
import { mountCode } from "./code.js";
import { mountControls, refusalBox } from "./controls.js";
import { showDerivation } from "./derivation.js";
import { showDialects } from "./dialects.js";
import { mountExport } from "./export.js";
import { mountPlayback } from "./playback.js";
import { offersOf, plannedOffers } from "./refusal.js";
import { mountSizes, showWarnings } from "./sizes.js";
import { createStore } from "./state.js";
import { mountTour } from "./tour.js";
import { mountViews } from "./views.js";
import { mountWeights } from "./weights.js";

/**
 * @typedef {import("../shared/types.js").Explanation} Explanation
 * @typedef {import("../shared/types.js").Traced} Traced
 * @typedef {import("../shared/types.js").ErrorObject} ErrorObject
 * @typedef {import("./state.js").State} State
 */

const store = createStore((state, before) => {
  if (asked(state) === asked(before)) draw(state);
  else void ask(state);
});

/** What was answered last: it stays, dimmed, while a setting is refused. @type {{explanation: Explanation | null, traced: Traced | null}} */
const good = { explanation: null, traced: null };
/** @type {ErrorObject | null} */
let refused = null;
/** @type {import("./refusal.js").Offer[]} */
let offers = [];
let asking = new AbortController();

const controls = mountControls(byId("controls"), store, () => good.explanation?.output.join("x") ?? "");
const tour = mountTour(byId("tour"), store);
const sizes = mountSizes(byId("sizes"), (output) => store.set({ words: { output, output_padding: "" } }));
const views = mountViews(byId("views"), {
  onView: (view) => store.set({ view, cell: "" }), onShade: (shade) => store.set({ shade }), onGroup: (group) => store.set({ group }),
});
const diagram = mountDiagram(byId("diagram"), {
  onSelect: (focus) => {
    playback.pause();
    store.set({ cell: focusText(focus) }, { pointing: true });
  },
  onEdit: edit,
});
const playback = mountPlayback(byId("playback"), {
  onStep: (grid, cell) => store.set({ cell: `${grid}:${cell}` }, { pointing: true }),
  // A screen reader is not to read every step of a film.
  onPlaying: (playing) => byId("diagram").querySelector("[role=status]")?.setAttribute("aria-live", playing ? "off" : "polite"),
});
const code = mountCode(byId("code"));
const exported = mountExport(byId("export"), store.get, code.file);
const weightFile = mountWeights(byId("weights"), store);

/** Changes of anything else need no new answer. @param {State} state */
function asked({ words, x, w }) {
  return JSON.stringify([words, x, w]);
}

/**
 * Numbers that were edited in a grid: of all groups, since each has its own.
 * @param {"x" | "w"} grid
 * @param {number[]} values
 * @param {number} group
 */
function edit(grid, values, group) {
  const planes = good.traced?.trace.planes ?? [];
  store.set({ [grid]: planes.flatMap((plane, at) => (at === group ? values : plane[grid])).join(",") });
}

/** @param {State} state */
async function ask(state) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const { words } = state;
  const table = dialects(words, signal).then(({ rows }) => rows).catch(() => []);
  try {
    const { traced, explanation, error } = await traceOrExplain(state, signal);
    // While this was under way another setting may have been asked for.
    if (signal.aborted) return;
    refused = error;
    offers = error ? offersOf(store, error) : [];
    if (explanation) Object.assign(good, { explanation, traced });
    byId("diagram").hidden = !good.traced;
    if (traced) await diagram.update({ traced });
    draw(store.get());

    const rows = await table;
    if (signal.aborted) return;
    showDialects(byId("dialects"), rows, words.dialect, (dialect) => store.set({ words: { dialect } }));
    if (!error || error.legal || !["padding", "output"].includes(error.field ?? "")) return;
    // The size that was shown last; where nothing was shown yet, what another dialect makes of the same words.
    const size = good.explanation?.output ?? rows.find((row) => row.output)?.output;
    const planned = size ? await plannedOffers(store, size, signal) : [];
    if (signal.aborted) return;
    offers = [...offers, ...planned];
    draw(store.get());
  } catch (error) {
    // A plan that is refused offers nothing; an aborted question has a successor.
    if (!(error instanceof ApiError) && !(error instanceof DOMException && error.name === "AbortError")) throw error;
  }
}

/**
 * A setting that is too large to be shown cell by cell still has a size, a derivation and code.
 * @param {State} state
 * @param {AbortSignal} signal
 * @returns {Promise<{traced: Traced | null, explanation: Explanation | null, error: ErrorObject | null}>}
 */
async function traceOrExplain({ words, x, w }, signal) {
  try {
    const traced = await trace({ ...words, x, w }, signal);
    return { traced, explanation: traced.explanation, error: null };
  } catch (first) {
    if (!(first instanceof ApiError)) throw first;
    // Numbers that do not fit their grid are no matter of the setting.
    if (first.status === 0 || first.error.field === "x" || first.error.field === "w") return { traced: null, explanation: null, error: first.error };
    try {
      return { traced: null, explanation: await explain(words, signal), error: first.error };
    } catch (second) {
      if (!(second instanceof ApiError)) throw second;
      return { traced: null, explanation: null, error: second.error };
    }
  }
}

/** @param {State} state */
function draw(state) {
  controls.show(state, refused, offers);
  // Beside its field the message also stands at the picture, which is what one looks at.
  const failure = refused ? [refusalBox(refused, offers, "failed")] : [];
  if (refused && !good.explanation) failure.unshift(make("p", { class: "note" }, t("There is nothing to show of this setting.", "这个设置没有结果可显示。")));
  byId("failure").replaceChildren(...failure);
  byId("diagram").classList.toggle("stale", refused !== null);
  byId("playback").hidden = !good.traced;
  views.show(state, good.traced?.trace.planes.length ?? 1);
  if (good.explanation) {
    sizes.show(good.explanation);
    showWarnings(byId("warnings"), good.explanation);
    showDerivation(byId("derivation"), good.explanation);
    code.show(good.explanation.code);
  }
  if (good.traced) {
    const { trace: seen } = good.traced;
    void diagram.update({ view: state.view, cell: state.cell || undefined, group: state.group, shade: state.shade });
    const focus = parseFocus(state.cell);
    const grid = playedGrid(state.view);
    const count = cellCount(seen, grid);
    playback.show(grid, count, focus?.grid === grid ? focus.cell : restingFocus(seen, grid).cell);
  }
}

function translate() {
  document.title = t("Transposed convolution explorer", "转置卷积探索器");
  translatePage(document.body);
  tour.show();
  exported.show();
  weightFile.show();
}

// On a phone the picture comes first.
if (matchMedia("(max-width: 860px)").matches) byId("setting").removeAttribute("open");
mountHeader("explorer");
translate();
onLanguage(() => {
  translate();
  void ask(store.get());
});
draw(store.get());
void ask(store.get());
