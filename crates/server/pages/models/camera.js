/** The camera: a preview, single pictures, and live, each frame sent when the last one is answered. */

import { ApiError } from "../shared/api.js";
import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";
import { patiently } from "./patience.js";
import { waiting } from "./segment-view.js";

/**
 * @typedef {import("./files.js").Answered} Answered
 * @typedef {{file: Blob, answered: Answered, roundTrip: number}} Frame
 */

const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 } };
/** Pixels of the longer side of a live frame: fewer arrive sooner. */
const LIVE_SIDE = 640;
/** Frames that the rate is measured over. */
const MEASURED = 10;

/**
 * @param {HTMLElement} host
 * @param {object} on
 * @param {(file: File) => void} on.onPicture
 * @param {(file: Blob, signal: AbortSignal) => Promise<Answered>} on.ask
 * @param {(frame: Frame) => Promise<void>} on.onFrame
 * @param {() => void} on.onEnd live is over
 */
export function mountCamera(host, { onPicture, ask, onFrame, onEnd }) {
  const video = make("video", { muted: true, playsinline: true, autoplay: true });
  const said = make("p", { role: "status", class: "note" });
  const rate = make("p", { class: "note" });
  const controls = make("div", { class: "buttons" });
  host.replaceChildren(said);
  /** @type {MediaStream | null} */
  let stream = null;
  /** @type {AbortController | null} */
  let live = null;
  let taken = 0;
  let opened = 0;

  const open = async (/** @type {string} */ device = "") => {
    close();
    const mine = opened;
    said.textContent = "";
    if (!window.isSecureContext || !navigator.mediaDevices) {
      said.textContent = t(
        "A browser opens the camera only for a page over https, or of this very machine (localhost). Pictures from files work all the same.",
        "浏览器只允许 https 页面或本机（localhost）页面使用摄像头。仍然可以使用文件中的图片。");
      return;
    }
    said.textContent = t("waiting for the camera …", "正在等待摄像头 …");
    try {
      const found = await navigator.mediaDevices.getUserMedia({ video: device ? { ...WANTED, deviceId: { exact: device } } : WANTED });
      // Closed, or hidden, while the reader was asked.
      if (mine !== opened || document.hidden) {
        stopAll(found);
        said.textContent = "";
        return;
      }
      stream = found;
      said.textContent = "";
      video.srcObject = found;
      // Unplugged, or taken back by the reader.
      for (const track of found.getTracks()) track.addEventListener("ended", () => {
        close();
        said.textContent = t("The camera has gone.", "摄像头已断开。");
      });
      await video.play();
      await draw();
    } catch (error) {
      if (mine === opened) close();
      said.textContent = refusal(error);
    }
  };

  const close = () => {
    opened += 1;
    stopLive();
    if (stream) stopAll(stream);
    stream = null;
    video.srcObject = null;
    host.replaceChildren(said);
  };

  const stopLive = () => {
    if (!live) return;
    live.abort();
    live = null;
    rate.textContent = "";
    onEnd();
    void draw();
  };

  const draw = async () => {
    if (!stream) return;
    video.setAttribute("aria-label", t("What the camera sees", "摄像头画面"));
    const focused = controls.contains(document.activeElement) ? document.activeElement?.id : "";
    controls.replaceChildren(
      button(t("Take a picture", "拍一张"), shoot, { class: "primary", id: "shoot" }),
      button(live ? t("Stop live", "停止实时") : t("Live", "实时"), () => (live ? stopLive() : void goLive()), { id: "live", "aria-pressed": String(live !== null) }),
      button(t("Close", "关闭"), close, { id: "close-camera" }));
    host.replaceChildren(make("div", { class: live ? "camera live" : "camera" }, video, controls, rate), said);
    if (focused) document.getElementById(focused)?.focus();
    const others = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    const now = stream?.getVideoTracks()[0]?.getSettings().deviceId;
    if (others.length < 2 || !now || controls.querySelector("#other-camera")) return;
    const next = others[(others.findIndex(({ deviceId }) => deviceId === now) + 1) % others.length];
    if (next) controls.append(button(t("Other camera", "换摄像头"), () => open(next.deviceId), { id: "other-camera" }));
  };

  const shoot = async () => {
    const frame = await grab(video, Infinity);
    taken += 1;
    stopLive();
    onPicture(new File([frame], `camera-${taken}.jpg`, { type: "image/jpeg" }));
  };

  const goLive = async () => {
    const turn = new AbortController();
    live = turn;
    void draw();
    // On a phone the result stands below: preview and result are not both to be seen.
    if (matchMedia("(max-width: 860px)").matches) host.scrollIntoView({ block: "start" });
    /** @type {number[]} */
    let times = [];
    try {
      while (!turn.signal.aborted) {
        const file = await grab(video, LIVE_SIDE);
        let begun = 0;
        const answered = await patiently(() => {
          begun = performance.now();
          return ask(file, turn.signal);
        }, { signal: turn.signal, onWait: (error, seconds) => { said.textContent = error ? waiting(error, seconds) : ""; } });
        if (turn.signal.aborted) return;
        await onFrame({ file, answered, roundTrip: performance.now() - begun });
        times = [...times.slice(-MEASURED), performance.now()];
        const [first = 0] = times;
        if (times.length > 1) {
          const each = ((times.length - 1) * 1000) / (performance.now() - first);
          rate.textContent = t(`${each.toFixed(1)} frames a second`, `每秒 ${each.toFixed(1)} 帧`);
        }
        // The browser has to draw in between, and a hidden page is to send nothing.
        await new Promise((done) => requestAnimationFrame(done));
      }
    } catch (error) {
      if (turn.signal.aborted) return;
      stopLive();
      if (!(error instanceof ApiError)) throw error;
      said.textContent = error.message;
    }
  };

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden || !stream) return;
    close();
    said.textContent = t("The camera was released when the page was hidden.", "页面隐藏时已释放摄像头。");
  });
  addEventListener("pagehide", close);
  return { open, close, relabel: () => void draw() };
}

/** @param {MediaStream} stream */
function stopAll(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * @param {HTMLVideoElement} video
 * @param {number} longest
 * @returns {Promise<Blob>}
 */
function grab(video, longest) {
  const { videoWidth, videoHeight } = video;
  const scale = Math.min(1, longest / Math.max(videoWidth, videoHeight));
  const canvas = new OffscreenCanvas(Math.round(videoWidth * scale), Math.round(videoHeight * scale));
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
}

/** @param {unknown} error */
function refusal(error) {
  const name = error instanceof DOMException ? error.name : "";
  switch (name) {
    case "NotAllowedError": return t(
      "The camera was refused. The browser asks again when you allow it beside the address.", "摄像头被拒绝。在地址栏旁允许后，浏览器会再次询问。");
    case "NotFoundError": return t("No camera was found.", "没有找到摄像头。");
    case "NotReadableError": return t("The camera cannot be read; another program may hold it.", "无法读取摄像头，可能正被其他程序占用。");
    default: return t(`The camera does not open: ${String(error)}`, `摄像头打不开：${String(error)}`);
  }
}
