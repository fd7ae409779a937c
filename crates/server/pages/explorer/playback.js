/** Step, play, pause: from cell to cell of the output, or of the input where the view is seen from there. */

import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";

/** Cells for each second. */
const SPEEDS = [0.5, 1, 2, 4, 8];

/**
 * @param {HTMLElement} host
 * @param {{onStep: (grid: "x" | "y", cell: number) => void, onPlaying: (playing: boolean) => void}} on
 */
export function mountPlayback(host, on) {
  /** @type {"x" | "y"} */
  let grid = "y";
  let [count, cell] = [1, 0];
  let speed = 2;
  let timer = 0;

  const slider = make("input", { type: "range", min: "0", max: "0", id: "step" });
  const place = make("label", { for: "step", class: "note" });
  const play = button("", () => (timer ? pause() : start()), { class: "primary", id: "play" });
  const back = button("‹", () => go(cell - 1));
  const next = button("›", () => go(cell + 1));
  const select = make("select");
  for (const value of SPEEDS) select.append(make("option", { value: String(value), selected: value === speed }, `${value}×`));
  const speedLabel = make("span");
  host.className = "playback";
  host.replaceChildren(back, play, next, slider, place, make("label", { class: "note" }, speedLabel, " ", select));

  /** @param {number} to */
  const go = (to) => {
    pause();
    jump(to);
  };
  /** @param {number} to */
  const jump = (to) => {
    cell = (to + count) % count;
    draw();
    on.onStep(grid, cell);
  };
  const tick = () => {
    jump(cell + 1);
    timer = setTimeout(tick, 1000 / speed);
  };
  const start = () => {
    timer = setTimeout(tick, 1000 / speed);
    on.onPlaying(true);
    draw();
  };
  const pause = () => {
    if (!timer) return;
    clearTimeout(timer);
    timer = 0;
    on.onPlaying(false);
    draw();
  };
  const draw = () => {
    slider.max = String(count - 1);
    slider.value = String(cell);
    const of = grid === "y" ? t("output cell", "输出格") : t("input cell", "输入格");
    place.textContent = t(`${of} ${cell + 1} of ${count}`, `${of} ${cell + 1} / ${count}`);
    play.textContent = timer ? t("Pause", "暂停") : t("Play", "播放");
    back.setAttribute("aria-label", t("One step back", "后退一步"));
    next.setAttribute("aria-label", t("One step on", "前进一步"));
    speedLabel.textContent = t("speed", "速度");
  };
  slider.addEventListener("input", () => go(Number(slider.value)));
  select.addEventListener("change", () => {
    speed = Number(select.value);
  });

  return {
    pause,
    /** @param {"x" | "y"} of @param {number} cells @param {number} at */
    show(of, cells, at) {
      [grid, count, cell] = [of, cells, Math.min(at, cells - 1)];
      draw();
    },
  };
}
