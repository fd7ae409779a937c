/**
 * A grid of cells with numbers.
 *
 * Arrow keys move, Home and End go to the ends of a row (with Ctrl of the grid), Enter selects; where numbers may be
 * edited Enter, a second click or a digit opens the cell, Enter or Tab keeps what was typed, Escape does not. Only
 * cells whose look changes are touched, so that playing stays smooth.
 */

import { make } from "./elements.js";

/**
 * @typedef {object} CellLook
 * @property {string} text what stands in the cell
 * @property {string} paint the role of its colour: input, input-lit, kernel, output, zero, cropped, phase-0, heat-3, ...
 * @property {string} label what a screen reader says
 * @property {boolean} [lit] a thick border
 * @property {boolean} [chosen] the cell that is pointed at
 * @property {string} [edges] sides of the cell on which a frame runs: n, e, s, w
 * @property {string} [mark] a small text in the corner
 * @property {number | null} [shade] 0 black to 1 white instead of a paint
 */
/**
 * @typedef {object} GridOptions
 * @property {string} label
 * @property {number} rows
 * @property {number} columns
 * @property {number} size pixels of a cell
 * @property {(cell: number | null) => void} [onPoint] the mouse is over a cell, or left
 * @property {(cell: number) => void} [onSelect]
 * @property {(cell: number, value: number) => void} [onEdit] if given, numbers may be edited
 */
/**
 * @typedef {object} Grid
 * @property {HTMLElement} element
 * @property {(look: (cell: number) => CellLook) => void} show
 * @property {(cell: number) => void} focus
 * @property {() => boolean} hasFocus
 */

/** Cells smaller than this have no room for text, and cells smaller than that only for little. */
const LEAST_FOR_TEXT = 17;
const LEAST_FOR_MUCH = 29;

/**
 * @param {GridOptions} options
 * @returns {Grid}
 */
export function createGrid({ label, rows, columns, size, onPoint, onSelect, onEdit }) {
  const element = make("div", {
    role: "grid", class: "grid", "aria-label": label, "aria-rowcount": String(rows), "aria-colcount": String(columns),
  });
  element.style.setProperty("--cell", `${size}px`);
  element.classList.toggle("tiny", size < LEAST_FOR_TEXT);
  element.classList.toggle("small", size < LEAST_FOR_MUCH);
  /** @type {HTMLElement[]} */
  const cells = [];
  /** @type {string[]} what every cell shows now */
  const shown = [];
  let current = 0;
  /** The cell that was chosen by a click and not left since: another click edits it. */
  let clicked = -1;

  for (let row = 0; row < rows; row += 1) {
    const line = make("div", { role: "row", class: "row" });
    for (let column = 0; column < columns; column += 1) {
      const cell = make("div", { role: "gridcell", class: "cell", tabindex: cells.length === 0 ? "0" : "-1" });
      cell.dataset.cell = String(cells.length);
      cells.push(cell);
      line.append(cell);
    }
    element.append(line);
  }

  /** @param {EventTarget | null} target */
  const cellOf = (target) => {
    const cell = target instanceof Element ? target.closest(".cell") : null;
    return cell instanceof HTMLElement && element.contains(cell) ? Number(cell.dataset.cell) : null;
  };
  /** @param {number} cell */
  const moveTo = (cell) => {
    cells[current]?.setAttribute("tabindex", "-1");
    current = Math.max(0, Math.min(cells.length - 1, cell));
    cells[current]?.setAttribute("tabindex", "0");
  };
  /** @param {number} cell */
  const focus = (cell) => {
    moveTo(cell);
    cells[current]?.focus();
  };
  /** @param {number} cell @param {string} [typed] */
  const edit = (cell, typed) => {
    const host = cells[cell];
    if (host && onEdit) openEditor(host, typed, (value) => onEdit(cell, value));
  };

  // Only a mouse that moves points: one that rests over a grid must not hold up playing or arrow keys.
  let pointed = "";
  element.addEventListener("pointermove", (event) => {
    const place = `${event.clientX} ${event.clientY}`;
    if (event.pointerType !== "mouse" || place === pointed) return;
    pointed = place;
    onPoint?.(cellOf(event.target));
  });
  element.addEventListener("pointerleave", () => onPoint?.(null));
  element.addEventListener("click", (event) => {
    const cell = cellOf(event.target);
    if (cell === null || event.target instanceof HTMLInputElement) return;
    const again = cell === clicked;
    focus(cell);
    clicked = cell;
    if (again && onEdit) edit(cell);
    else onSelect?.(cell);
  });
  element.addEventListener("focusout", (event) => {
    if (!(event.relatedTarget instanceof Node && element.contains(event.relatedTarget))) clicked = -1;
  });
  element.addEventListener("keydown", (event) => {
    const cell = cellOf(event.target);
    if (cell === null || event.target instanceof HTMLInputElement || event.altKey || event.metaKey) return;
    const next = moved(event, cell, rows, columns);
    if (next !== null) {
      event.preventDefault();
      focus(next);
      onSelect?.(next);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (onEdit && event.key === "Enter") edit(cell);
      else onSelect?.(cell);
    } else if (onEdit && !event.ctrlKey && /^[\d.-]$/.test(event.key)) {
      event.preventDefault();
      edit(cell, event.key);
    }
  });

  return {
    element,
    focus,
    hasFocus: () => element.contains(document.activeElement),
    show(look) {
      cells.forEach((cell, at) => {
        const now = look(at);
        const key = JSON.stringify(now);
        if (shown[at] === key) return;
        shown[at] = key;
        dress(cell, now);
        if (now.chosen && !element.contains(document.activeElement)) moveTo(at);
      });
    },
  };
}

/**
 * Where a key leads to; null for another key.
 * @param {KeyboardEvent} event
 * @param {number} cell
 * @param {number} rows
 * @param {number} columns
 */
function moved(event, cell, rows, columns) {
  const row = Math.floor(cell / columns);
  const first = row * columns;
  switch (event.key) {
    case "ArrowRight": return Math.min(cell + 1, rows * columns - 1);
    case "ArrowLeft": return Math.max(cell - 1, 0);
    case "ArrowDown": return row + 1 < rows ? cell + columns : cell;
    case "ArrowUp": return row > 0 ? cell - columns : cell;
    case "Home": return event.ctrlKey ? 0 : first;
    case "End": return event.ctrlKey ? rows * columns - 1 : first + columns - 1;
    default: return null;
  }
}

/**
 * @param {HTMLElement} cell
 * @param {CellLook} look
 */
function dress(cell, look) {
  cell.dataset.paint = look.paint;
  cell.setAttribute("aria-label", look.label);
  cell.setAttribute("aria-selected", String(Boolean(look.chosen)));
  cell.classList.toggle("lit", Boolean(look.lit));
  cell.classList.toggle("chosen", Boolean(look.chosen));
  for (const side of ["n", "e", "s", "w"]) cell.classList.toggle(`edge-${side}`, Boolean(look.edges?.includes(side)));
  cell.classList.toggle("long", look.text.length > 3);
  cell.classList.toggle("longer", look.text.length > 4);
  const grey = look.shade === null || look.shade === undefined ? null : Math.round(look.shade * 255);
  cell.classList.toggle("shaded", grey !== null);
  cell.style.backgroundColor = grey === null ? "" : `rgb(${grey} ${grey} ${grey})`;
  // On grey black or white ink, whichever stands out.
  cell.style.color = grey === null ? "" : grey > 117 ? "#000" : "#fff";
  if (look.mark) cell.dataset.mark = look.mark;
  else delete cell.dataset.mark;
  // A field that is open over the cell stays as it is.
  const value = make("span", { class: "value" }, look.text);
  const before = cell.querySelector(".value");
  if (before) before.replaceWith(value);
  else cell.prepend(value);
}

/**
 * On which sides of the cell at row `i`, column `j` of a frame the frame runs; nothing outside of it.
 * @param {number} i
 * @param {number} j
 * @param {readonly [number, number]} sides rows and columns of the frame
 */
export function frameEdges(i, j, sides) {
  if (i < 0 || j < 0 || i >= sides[0] || j >= sides[1]) return "";
  return `${i === 0 ? "n" : ""}${j === sides[1] - 1 ? "e" : ""}${i === sides[0] - 1 ? "s" : ""}${j === 0 ? "w" : ""}`;
}

/**
 * A text field over a cell.
 * @param {HTMLElement} cell
 * @param {string | undefined} typed what was typed to open it
 * @param {(value: number) => void} keep
 */
function openEditor(cell, typed, keep) {
  const before = cell.querySelector(".value")?.textContent?.replace("\u2212", "-") ?? "";
  const field = make("input", { type: "text", inputmode: "decimal", "aria-label": cell.getAttribute("aria-label") });
  field.value = typed ?? before;
  let open = true;
  /** @param {boolean} kept */
  const close = (kept) => {
    if (!open) return;
    const value = Number(field.value.trim().replace("\u2212", "-").replace(",", "."));
    if (kept && (field.value.trim() === "" || !Number.isFinite(value))) {
      field.setAttribute("aria-invalid", "true");
      return;
    }
    open = false;
    const focused = document.activeElement === field;
    field.remove();
    if (focused) cell.focus();
    if (kept && field.value !== before) keep(value);
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close(false);
    else if (event.key === "Enter" || event.key === "Tab") close(true);
    else return;
    event.stopPropagation();
    if (event.key !== "Tab") event.preventDefault();
  });
  field.addEventListener("blur", () => {
    close(true);
    // What is no number is not kept.
    close(false);
  });
  cell.append(field);
  field.focus();
  if (typed === undefined) field.select();
}
