/** How runs are told apart: a colour, a pattern of dashes and a marker for each place. */

import { draw } from "./svg.js";

/** As many as runs.css has colours. */
const COLOURS = 8;
/** For the lines of the training; the first ones are the easiest to tell apart. */
const DASHES = ["", "9 3", "2.5 2.5", "9 3 2 3", "16 4", "5 2", "9 3 2 3 2 3", "1 3"];
/** Around a point, about as large as each other. @type {((x: number, y: number) => string)[]} */
const MARKERS = [
  (x, y) => `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z`,
  (x, y) => `M${x - 3.2} ${y - 3.2}h6.4v6.4h-6.4z`,
  (x, y) => `M${x} ${y - 4.2}l4 7h-8z`,
  (x, y) => `M${x} ${y - 4.6}l4.6 4.6l-4.6 4.6l-4.6 -4.6z`,
  (x, y) => `M${x} ${y + 4.2}l4 -7h-8z`,
  (x, y) => `M${x - 1.3} ${y - 4.4}h2.6v3.1h3.1v2.6h-3.1v3.1h-2.6v-3.1h-3.1v-2.6h3.1z`,
  (x, y) => `M${x - 5} ${y - 2}h10v4h-10z`,
  (x, y) => `M${x - 2} ${y - 5}h4v10h-4z`,
];

/**
 * After eight runs colours come again, with another pattern and another marker.
 * @param {number} place
 */
export function lookOf(place) {
  const turn = Math.floor(place / COLOURS);
  return {
    colour: `colour-${place % COLOURS}`,
    dash: DASHES[(place + turn) % DASHES.length] ?? "",
    marker: MARKERS[(place + 2 * turn) % MARKERS.length] ?? (() => ""),
  };
}

/**
 * A piece of a run's line with its marker, as it stands beside the name.
 * @param {number} place
 */
export function swatch(place) {
  const { colour, dash, marker } = lookOf(place);
  return draw("svg", { class: `swatch ${colour}`, width: 34, height: 12, viewBox: "0 0 34 12", "aria-hidden": "true" },
    draw("path", { class: "line", d: "M1 6h32", "stroke-dasharray": dash || null }),
    draw("path", { class: "marker", d: marker(17, 6) }));
}
