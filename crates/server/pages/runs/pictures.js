/** Sample pictures of the chosen runs, side by side at the same step. */

import { runPicture } from "../shared/api.js";
import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { lastUpTo } from "./curves.js";
import { swatch } from "./looks.js";
import { write } from "./words.js";

/** @typedef {{name: string, place: number, pictures: number[]}} PicturesOfRun */

/** Milliseconds that a picture is shown while they are played. */
const SHOWN = 600;
/** A picture of fewer pixels is shown by its pixels: they would be smeared. */
const SMALL = 200;

/**
 * @param {HTMLElement} part the whole section, which is hidden where there are no pictures
 * @param {HTMLElement} host
 */
export function mountPictures(part, host) {
  /** @type {Map<string, ReturnType<typeof createFrame>>} */
  const frames = new Map();
  /** @type {PicturesOfRun[]} */
  let runs = [];
  /** Steps of which any chosen run has a picture. @type {number[]} */
  let steps = [];
  /** The step that is looked at; null: the newest, whatever comes. @type {number | null} */
  let chosen = null;
  let timer = 0;

  const slider = make("input", { type: "range", min: "0", step: "1", id: "picture-step" });
  const place = make("label", { for: "picture-step", class: "note" });
  const play = button("", () => (timer ? pause() : start()), { class: "primary" });
  const newest = button("", () => go(null));
  const strip = make("div", { class: "strip" });
  const viewer = createViewer();
  const bar = make("div", { class: "picture-bar" }, play, slider, place, newest);
  host.replaceChildren(bar, strip, viewer.element);

  const at = () => (chosen === null ? steps.length - 1 : Math.max(0, lastUpTo(steps, chosen, (step) => step)));
  /** @param {number | null} step */
  const go = (step) => {
    pause();
    chosen = step;
    draw();
  };
  const tick = () => {
    chosen = steps[(at() + 1) % steps.length] ?? null;
    draw();
    timer = setTimeout(tick, SHOWN);
  };
  const start = () => {
    timer = setTimeout(tick, at() === steps.length - 1 ? 0 : SHOWN);
    draw();
  };
  const pause = () => {
    clearTimeout(timer);
    timer = 0;
    draw();
  };
  // The last step is the newest: what comes after it is followed again.
  slider.addEventListener("input", () => go(slider.valueAsNumber === steps.length - 1 ? null : steps[slider.valueAsNumber] ?? null));

  const draw = () => {
    const now = at();
    const step = steps[now] ?? 0;
    slider.max = String(steps.length - 1);
    slider.value = String(now);
    slider.setAttribute("aria-valuetext", t(`step ${step}`, `第 ${step} 步`));
    const following = chosen === null;
    write(place, following ? t(`step ${step}, the newest`, `第 ${step} 步，最新`) : t(`step ${step}`, `第 ${step} 步`));
    write(play, timer ? t("Pause", "暂停") : t("Play", "播放"));
    write(newest, t("Newest", "最新"));
    newest.disabled = following;
    bar.hidden = steps.length < 2;
    for (const run of runs) frames.get(run.name)?.show(run, run.pictures[lastUpTo(run.pictures, step, (one) => one)] ?? null);
  };

  return {
    /** @param {PicturesOfRun[]} next the chosen runs */
    show(next) {
      runs = next.filter(({ pictures }) => pictures.length > 0);
      part.hidden = runs.length === 0;
      steps = [...new Set(runs.flatMap(({ pictures }) => pictures))].sort((a, b) => a - b);
      if (steps.length < 2 && timer) pause();
      for (const [name, frame] of frames) {
        if (runs.some((run) => run.name === name)) continue;
        frame.element.remove();
        frames.delete(name);
      }
      runs.forEach((run, index) => {
        if (frames.has(run.name)) return;
        const frame = createFrame(run, viewer.open);
        frames.set(run.name, frame);
        strip.insertBefore(frame.element, strip.children[index] ?? null);
      });
      viewer.translate();
      draw();
    },
  };
}

/**
 * @param {PicturesOfRun} run
 * @param {(address: string, words: string) => void} open
 */
function createFrame({ name, place }, open) {
  const image = make("img", { alt: "" });
  const opener = button("", () => open(image.src, image.alt), { class: "picture" });
  opener.replaceChildren(image);
  const words = make("span");
  const failed = make("p", { class: "error", hidden: true });
  image.addEventListener("load", () => {
    failed.hidden = true;
    opener.classList.toggle("pixels", Math.max(image.naturalWidth, image.naturalHeight) <= SMALL);
  });
  image.addEventListener("error", () => {
    failed.hidden = false;
    write(failed, t("This picture cannot be read.", "这张图片无法读取。"));
  });
  return {
    element: make("figure", { "data-run": name }, opener, failed, make("figcaption", {}, swatch(place), make("span", { class: "name" }, name), words)),
    /** @param {PicturesOfRun} run @param {number | null} step */
    show(run, step) {
      opener.hidden = step === null;
      write(words, step === null ? t("no picture yet", "还没有样图") : t(`step ${step}`, `第 ${step} 步`));
      if (step === null) return;
      const address = runPicture(run.name, step);
      // The browser shows the picture before until this one is there.
      if (image.getAttribute("src") !== address) image.setAttribute("src", address);
      const alt = t(`Sample picture of ${name} at step ${step}`, `${name} 第 ${step} 步的样图`);
      if (image.alt !== alt) image.alt = alt;
      opener.title = t("Full size", "原始大小");
    },
  };
}

/** A picture at its full size, over the page. */
function createViewer() {
  const image = make("img", { alt: "" });
  const close = button("", () => element.close());
  const words = make("p");
  const element = make("dialog", { class: "viewer" },
    make("div", { class: "titled" }, words, close), make("div", { class: "scroll", tabindex: "0", role: "group" }, image));
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  return {
    element,
    translate: () => write(close, t("Close", "关闭")),
    /** @param {string} address @param {string} alt */
    open(address, alt) {
      image.src = address;
      image.alt = alt;
      element.setAttribute("aria-label", alt);
      element.querySelector("[role=group]")?.setAttribute("aria-label", alt);
      write(words, alt);
      element.showModal();
    },
  };
}
