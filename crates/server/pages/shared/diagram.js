/**
 * The linked grids of one setting in one view: what is pointed at lights up everywhere.
 *
 * `mountDiagram(element, {words, view, cell})` asks the server itself; with `traced` it shows what was asked for
 * already. `update` changes any of these later.
 */

import { trace as fetchTrace } from "./api.js";
import { make } from "./elements.js";
import { createGrid } from "./grid.js";
import { t } from "./language.js";
import { focusText, light, parseFocus, restingFocus, within } from "./lighting.js";
import { panelsOf, playedGrid } from "./panels.js";
import { sumLine } from "./sum.js";

/**
 * @typedef {import("./types.js").Words} Words
 * @typedef {import("./types.js").Fills} Fills
 * @typedef {import("./types.js").Traced} Traced
 * @typedef {import("./cells.js").View} View
 * @typedef {import("./cells.js").Panel} Panel
 * @typedef {import("./lighting.js").Focus} Focus
 */
/**
 * @typedef {object} DiagramOptions
 * @property {Words & Fills} [words] asked for, unless `traced` is given
 * @property {Traced} [traced]
 * @property {View} [view] gather
 * @property {string} [cell] y:0; what is lit while nothing is pointed at
 * @property {number} [group] 0
 * @property {boolean} [shade] numbers as brightness
 * @property {number} [largest] pixels that a cell has at most
 * @property {boolean} [live] whether the line below is spoken when it changes; true
 * @property {(focus: Focus) => void} [onSelect]
 * @property {(grid: "x" | "w", values: number[], group: number) => void} [onEdit]
 */
/**
 * @typedef {object} Diagram
 * @property {(change: DiagramOptions) => Promise<void>} update
 * @property {() => Traced | undefined} traced
 */

const LARGEST = 44;
const SMALLEST = 12;

/**
 * @param {HTMLElement} host
 * @param {DiagramOptions} options
 * @returns {Diagram}
 */
export function mountDiagram(host, options) {
  /** @type {DiagramOptions} */
  let now = { view: "gather", largest: LARGEST, ...options };
  /** @type {{panel: Panel, grid: import("./grid.js").Grid}[]} */
  let shown = [];
  /** What the grids on the page were built for. */
  let built = "";
  const stage = make("div", { class: "stage" });
  const line = make("div", { class: "sum", role: "status", "aria-live": now.live === false ? "off" : "polite" });
  host.classList.add("diagram");
  host.replaceChildren(stage, line);

  const plane = () => {
    const planes = now.traced?.trace.planes ?? [];
    return planes[Math.min(now.group ?? 0, planes.length - 1)];
  };

  /** @param {Focus} wanted */
  const lightUp = (wanted) => {
    const numbers = plane();
    if (!now.traced || !numbers) return;
    const { trace } = now.traced;
    const focus = within(trace, wanted);
    const lit = light(trace, focus);
    for (const { panel, grid } of shown) grid.show((cell) => panel.look(cell, lit));
    line.replaceChildren(...sumLine(trace, numbers, focus, now.view === "forward"));
  };

  /** @returns {Focus} */
  const resting = () => {
    const asked = parseFocus(now.cell);
    if (asked || !now.traced) return asked ?? { grid: "y", cell: 0 };
    return restingFocus(now.traced.trace, playedGrid(now.view ?? "gather"));
  };

  /** @param {Panel[]} panels */
  const build = (panels) => {
    stage.replaceChildren();
    let row = make("div", { class: "panels" });
    stage.append(row);
    shown = panels.map((panel) => {
      const size = cellSize(stage.clientWidth, panel, now.largest ?? LARGEST);
      const edited = panel.edits;
      const grid = createGrid({
        label: panel.title, rows: panel.sides[0], columns: panel.sides[1], size,
        onPoint: (cell) => lightUp((cell === null ? null : current(panel).focus(cell)) ?? resting()),
        onSelect: (cell) => {
          const focus = current(panel).focus(cell);
          if (!focus) return;
          now.cell = focusText(focus);
          lightUp(focus);
          now.onSelect?.(focus);
        },
        onEdit: edited && now.onEdit ? (cell, value) => {
          const values = [...(plane()?.[edited] ?? [])];
          values[cell] = value;
          now.onEdit?.(edited, values, now.group ?? 0);
        } : undefined,
      });
      row.append(make("figure", { class: "panel" },
        make("figcaption", {}, panel.title, " ", make("span", { class: "faint" }, panel.sides.join("x"))),
        make("div", { class: "scroll" }, grid.element)));
      if (panel.ends) {
        row = make("div", { class: "panels" });
        stage.append(row);
      } else if (panel.after) row.append(make("span", { class: "between", "aria-hidden": "true" }, panel.after));
      return { panel, grid };
    });
  };

  /** The newest panel in the place of one that a grid was built with: handlers outlive a new trace. @param {Panel} panel */
  const current = (panel) => shown.find((entry) => entry.panel.id === panel.id)?.panel ?? panel;

  const draw = () => {
    const numbers = plane();
    if (!now.traced || !numbers) return;
    const panels = panelsOf(now.view ?? "gather", { trace: now.traced.trace, plane: numbers, shade: now.shade ?? false });
    if (panels.length === 0) {
      stage.replaceChildren(make("p", { class: "note" }, t(
        "The matrix is too large to be shown entry by entry; take a smaller input.",
        "矩阵太大，不能逐项显示；请用小一些的输入。")));
      [shown, built] = [[], ""];
    } else {
      // Grids of the same shape stay, with the focus in them; only their cells are dressed anew.
      const shape = JSON.stringify([stage.clientWidth, now.view, panels.map(({ id, title, sides }) => [id, title, sides])]);
      if (shape === built) shown = panels.flatMap((panel, at) => (shown[at] ? [{ panel, grid: shown[at].grid }] : []));
      else build(panels);
      built = shape;
    }
    lightUp(resting());
  };

  /** @param {DiagramOptions} change */
  const update = async (change) => {
    now = { ...now, ...change };
    if (change.words || (!now.traced && now.words)) {
      const asked = now.words;
      const traced = await fetchTrace(asked ?? {});
      // Another setting may have been asked for meanwhile.
      if (asked !== now.words) return;
      now.traced = traced;
    }
    draw();
  };

  let width = 0;
  new ResizeObserver(() => {
    if (stage.clientWidth === width) return;
    width = stage.clientWidth;
    draw();
  }).observe(stage);

  return { update, traced: () => now.traced };
}

/**
 * So large that the grid fits, within limits; beyond them it scrolls.
 * @param {number} width
 * @param {Panel} panel
 * @param {number} largest
 */
function cellSize(width, panel, largest) {
  const fits = Math.floor((width - 8) / panel.sides[1]);
  if (panel.largest) return Math.max(SMALLEST, Math.min(panel.largest, fits));
  // A grid of many cells is smaller even where it would fit, so that its neighbours stay beside it.
  const calm = Math.floor(440 / Math.max(panel.sides[1], panel.sides[0], 1));
  return Math.max(SMALLEST, Math.min(largest, fits, calm));
}
