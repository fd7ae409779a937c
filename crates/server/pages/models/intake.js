/** Ways to give pictures: drop, paste, choose, or take a sample. The camera stands beside. */

import { button, make } from "../shared/elements.js";
import { t } from "../shared/language.js";

/** Small pictures that come with the page and are free to use: NASA's portrait of an astronaut, and a rendered road. */
const samples = () => [
  { file: "astronaut.png", alt: t("an astronaut", "宇航员") },
  { file: "road.png", alt: t("a road, rendered", "渲染的道路") },
];

/**
 * @param {HTMLElement} host
 * @param {{onFiles: (files: File[]) => void, onCamera: () => void}} on
 */
export function mountIntake(host, { onFiles, onCamera }) {
  const message = make("p", { class: "note", role: "status" });
  /** @param {readonly File[]} files */
  const take = (files) => {
    message.textContent = "";
    if (files.length > 0) onFiles([...files]);
  };

  /** @param {string} name */
  const takeSample = async (name) => {
    try {
      const answer = await fetch(`/models/${name}`);
      if (!answer.ok) throw new TypeError(answer.statusText);
      take([new File([await answer.blob()], name, { type: "image/png" })]);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      message.textContent = t("the sample did not arrive", "示例图片没有送到");
    }
  };

  const show = () => {
    const file = make("input", { type: "file", accept: "image/*", multiple: true, class: "visually-hidden", tabindex: "-1", "aria-label": t("Pictures", "图片") });
    file.addEventListener("change", () => {
      take([...file.files ?? []]);
      // The same file may be chosen again.
      file.value = "";
    });
    host.replaceChildren(
      make("div", { class: "drop" },
        make("p", {}, t("Drop pictures here, paste one with Ctrl+V, or", "把图片拖到这里，用 Ctrl+V 粘贴，或者")),
        file,
        make("div", { class: "buttons" },
          button(t("Choose pictures", "选择图片"), () => file.click(), { class: "primary" }), button(t("Camera", "摄像头"), onCamera, { id: "open-camera" }))),
      make("p", { class: "label" }, t("Or try a sample:", "或试试示例：")),
      make("div", { class: "samples" }, ...samples().map(({ file: name, alt }) => {
        const sample = button("", () => takeSample(name), { class: "sample" });
        sample.append(make("img", { src: `/models/${name}`, alt: t(`Try the sample: ${alt}`, `试试示例：${alt}`) }));
        return sample;
      })),
      message,
      make("p", { class: "note" }, t(
        "Pictures go to the server of this page and nowhere else. JPEG, PNG, WebP and BMP; nothing that is sent is kept.",
        "图片只发给本页的服务器，不会去别处。可用 JPEG、PNG、WebP 和 BMP；发送的内容都不会保留。")));
  };

  // A file that misses the place would otherwise be opened by the browser, and the page be gone.
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    host.querySelector(".drop")?.classList.add("over");
  });
  const away = () => host.querySelector(".drop")?.classList.remove("over");
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) away();
  });
  document.addEventListener("drop", (event) => {
    away();
    const files = [...event.dataTransfer?.files ?? []];
    if (files.length === 0) return;
    event.preventDefault();
    take(files);
  });
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData?.files ?? []];
    if (files.length > 0) {
      event.preventDefault();
      take(files.map(named));
    } else if (!(event.target instanceof HTMLInputElement)) {
      message.textContent = t("the clipboard holds no picture", "剪贴板里没有图片");
    }
  });
  return { show };
}

let pasted = 0;

/** A picture that was copied, not a file, is called image.png by every browser. @param {File} file */
function named(file) {
  if (file.name !== "image.png") return file;
  pasted += 1;
  return new File([file], `pasted-${pasted}.png`, { type: file.type });
}
