/** The fields of a setting: names, what each does, and which dialects have it. */

import { t } from "../shared/language.js";

/** @typedef {import("../shared/types.js").Dialect} Dialect */
/** @typedef {import("../shared/types.js").Words} Words */
/**
 * @typedef {object} Field
 * @property {keyof Words} name
 * @property {string} label
 * @property {string} hint
 * @property {Dialect[]} [lacking] dialects without it
 * @property {string} [empty] what an empty field stands for; without it the field must be filled
 */

/** @type {{name: Dialect, label: string}[]} */
export const DIALECTS = [
  { name: "tensorflow", label: "TensorFlow" },
  { name: "keras", label: "Keras" },
  { name: "pytorch", label: "PyTorch" },
  { name: "onnx", label: "ONNX" },
  { name: "caffe", label: "Caffe" },
  { name: "tflite", label: "TensorFlow Lite" },
  { name: "definition", label: "" },
];

/** @param {string} name */
export function dialectLabel(name) {
  const label = DIALECTS.find((dialect) => dialect.name === name)?.label;
  return label || (name === "definition" ? t("Definition (no framework)", "定义（不限框架）") : name);
}

/** @returns {Field[]} */
export function sizeFields() {
  const own = t("auto", "自动");
  return [
    { name: "input", label: t("Input", "输入"), hint: t("3 or 3x4", "如 3 或 3x4") },
    { name: "kernel", label: t("Kernel", "卷积核"), hint: t("taps", "元素个数") },
    { name: "stride", label: t("Stride", "步幅"), hint: t("between kernels", "核与核的间距"), empty: "1" },
    { name: "dilation", label: t("Dilation", "膨胀率"), hint: t("between taps", "核元素的间距"), empty: "1", lacking: ["tflite"] },
    { name: "output", label: t("Wanted output", "想要的输出"), hint: t("a legal size", "合法尺寸之一"), empty: own, lacking: ["caffe"] },
    { name: "output_padding", label: t("Output padding", "输出填充"), hint: t("a larger legal size", "取更大的合法尺寸"), empty: "0", lacking: ["tensorflow", "tflite", "caffe"] },
    { name: "groups", label: t("Groups", "分组"), hint: t("1 to 8 are shown", "显示 1 到 8 组"), empty: "1", lacking: ["keras", "tflite"] },
  ];
}

/** Padding words of any dialect: one that refuses a word says so. */
export const PADDING_WORDS = ["", "same", "valid", "same_upper", "same_lower"];
