// The JSON that the server speaks, as the crates upconv-explain and upconv-server describe it.
// All cells are counted row by row from 0; a setting of one axis is a single row.

export type Language = "en" | "zh";
export type Dialect =
  | "tensorflow" | "keras" | "pytorch" | "onnx" | "caffe" | "tflite" | "definition";

/** A setting in words; an empty or missing word is the dialect's default. */
export interface Words {
  dialect?: string;
  input?: string;
  kernel?: string;
  stride?: string;
  dilation?: string;
  groups?: string;
  padding?: string;
  output?: string;
  output_padding?: string;
}

/** How the grids are filled: count, ones, impulse, random:SEED, bilinear (w), or numbers with commas between. */
export interface Fills {
  x?: string;
  w?: string;
}

export interface ErrorObject {
  rule: string | null;
  message: string;
  file: string | null;
  field: string | null;
  axis: number | null;
  got: number | null;
  legal: number[] | null;
  nearest: number | null;
}

export interface AxisExplanation {
  axis: number;
  input: number;
  kernel: number;
  effective_kernel: number;
  stride: number;
  dilation: number;
  full: number;
  window_begin: number;
  output: number;
  pad_before: number;
  pad_after: number;
  legal_outputs: number[] | null;
  /** Per output of this axis the pairs (input, tap). */
  contributors: [number, number][][];
}

export interface Overlap {
  uniform: boolean;
  per_axis: number[][];
  holes: boolean;
  inside: ([number, number] | null)[];
  phase_taps: number[][];
}

/** Row by row the flat tap at every place, null for a zero; all of it null where it is large. */
export interface MatrixForm {
  rows: number;
  columns: number;
  taps: (number | null)[][] | null;
}

export type CodeName = "tensorflow" | "keras" | "pytorch" | "onnx" | "upconv";

export interface Explanation {
  dialect: Dialect;
  groups: number;
  output: number[];
  axes: AxisExplanation[];
  overlap: Overlap;
  derivation: string[];
  code: Record<CodeName, string>;
  warnings: string[];
  matrix: MatrixForm;
  worked: unknown;
}

/** Where one product of an input cell lands. */
export interface Landing {
  tap: number;
  uncropped: number;
  output: number | null;
}

/** The numbers of one group. */
export interface Plane {
  x: number[];
  w: number[];
  uncropped: number[];
  y: number[];
  /** The forward convolution of y with the same kernel. */
  back: number[];
  /** Per output cell its products, in the order of gather. */
  products: number[][];
}

export type Sides = [number, number];

export interface Trace {
  rank: 1 | 2;
  input: Sides;
  kernel: Sides;
  output: Sides;
  uncropped: Sides;
  /** Where the output begins in the uncropped result; negative: zeros stand before it. */
  window_begin: Sides;
  /** Per output cell the (input, tap) of its products. */
  gather: [number, number][][];
  scatter: Landing[][];
  /** The uncropped result with the window that is kept. */
  crop: {
    size: Sides;
    /** The cell of the uncropped result at every place; null beside it. */
    uncropped: (number | null)[];
    /** The output cell at every place; null where nothing is kept. */
    output: (number | null)[];
  };
  stretched: {
    size: Sides;
    inputs: (number | null)[];
    /** Per output cell where the kernel's upper left corner lies. */
    corner: Sides[];
    span: Sides;
    /** The flipped kernel's tap at every cell of the span. */
    taps: (number | null)[];
  };
  phases: { count: number; outputs: number[]; taps: (number | null)[] };
  overlap: number[];
  matrix: MatrixForm;
  planes: Plane[];
}

export interface Traced {
  explanation: Explanation;
  trace: Trace;
}

export interface DialectRow {
  dialect: Dialect;
  output: number[] | null;
  window_begin: number[] | null;
  error: ErrorObject | null;
  differs: ("output" | "window_begin" | "error")[];
  pad_after: number[] | null;
  unchecked: boolean;
}

export interface Plan {
  dialect: Dialect;
  kernel: number[];
  stride: number[];
  padding: string;
  output_padding: number[] | null;
  dilation: number[];
  uniform: boolean;
  symmetric: boolean;
  rescaled: boolean;
  products: number;
  code: string;
}

export interface Picture {
  rows: number;
  columns: number;
  /** Grey, 0 to 255. */
  values: number[];
}

export interface Tensor {
  name: string;
  dtype: string;
  shape: number[];
  min: number | null;
  max: number | null;
  mean: number | null;
  std: number | null;
  non_finite: number;
}

export interface Layer {
  layer: string;
  tensor: string;
  shape: number[];
  stride: number[] | null;
}

export interface WeightFile {
  file: string;
  format: string;
  bytes: number;
  sha256: string;
  model: string | null;
  weights_hash: string;
  tensors: Tensor[];
  layers: Layer[];
}

export interface PhaseRow {
  phase: number[];
  taps: number;
  response: number;
  norm: number;
}

export interface Cure {
  name: "divisible_kernel" | "icnr" | "resize_convolution" | "blur" | "balanced_weights";
  products: number;
  products_now: number;
  ratio: number;
  retrain: boolean;
  note: string;
}

export interface BalanceData {
  kernel: number[];
  stride: number[];
  in_channels: number;
  out_channels: number;
  imbalance: number;
  worst: { channel: number; imbalance: number; response: number[]; bias: number | null };
  phases: PhaseRow[];
  cures: Cure[];
  balanced: unknown;
  groups: number;
  holes: boolean;
}

export interface LayerBalance {
  file: string;
  layer: string;
  dialect: Dialect;
  shape: number[];
  balance: BalanceData;
  explanation: Explanation;
}

export interface LossRow {
  method: string;
  kept: unknown;
  /** Null where nothing is lost. */
  psnr: number | null;
  ssim: number;
}

export interface Loss {
  factor: number;
  size: number[];
  rows: LossRow[];
  unseen: unknown;
  matrix: unknown;
}

export interface Question {
  id: string;
  text: string;
  kind: "number" | "size" | "choice";
  choices: string[] | null;
}

export interface Lesson {
  id: string;
  title: string;
  summary: string;
  questions: Question[];
}

/** A run that cannot be read has a problem, and the other members may be null. */
export interface RunSummary {
  name: string;
  model: string | null;
  state: "training" | "resting" | null;
  step: number | null;
  epoch: number | null;
  /** 400 steps, 10 epochs. */
  length: string | null;
  best: { metric: string; value: number; step: number } | null;
  rule: "max" | "min" | null;
  picture_count: number | null;
  seconds_since_change: number | null;
  problem: string | null;
}

/** Step, mean, low and high: the extremes of the steps that the point stands for. A number that is none is null. */
export type CurvePoint = [number, number | null, number | null, number | null];

export interface Curve {
  name: string;
  kind: "train" | "evaluate";
  points: CurvePoint[];
}

export type Setting = string | number | boolean | null | Setting[];

export interface RunDetail extends RunSummary {
  settings: Record<string, Setting> | null;
  curves: Curve[] | null;
  /** Steps that have a sample picture. */
  pictures: number[] | null;
  checkpoints: number[] | null;
}

/** A model of the registry, whether its weights are here or not. */
export interface Model {
  name: string;
  system: string;
  paper: string;
  parameters: number;
  flops: number;
  input: number[];
  /** Names of weights that come with the program. */
  weights: string[];
  strengths: string;
  weaknesses: string;
  choose_instead: string;
  /** segment, classify, draw; a later server may know more. */
  task: string;
  /** The file of weights that `upconv data fetch` brings, if it does. */
  fetched: string | null;
}

export interface ModelLayer {
  name: string;
  kind: string;
  shape_out: number[];
  parameters: number;
  flops: number;
}

/** How a picture is prepared. */
export interface Preparation {
  order: string;
  range: [number, number] | null;
  mean: number[] | null;
  /** A mean of its own for every pixel is taken off. */
  mean_picture?: boolean;
  std: number[] | null;
  resize: string;
  fit: string;
}

/** A model with weights, which can be asked. */
export interface Network {
  name: string;
  model: string;
  task: string;
  /** Null: built in. */
  file: string | null;
  weights_hash: string;
  labels: string[] | null;
  licence: string | null;
  attribution: string | null;
  input: (Preparation & { size: [number, number] | null }) | null;
  state: "ready" | "old";
  problem: string | null;
}

export interface Registry {
  models: Model[];
  networks: Network[];
}

/** The picture as the network got it. */
export interface Seen extends Preparation {
  width: number;
  height: number;
  /** A data: address. */
  picture: string;
}

/** Milliseconds of each part of the work, in its order. */
export type Milliseconds = Partial<Record<"wait" | "decode" | "resize" | "network" | "write", number>>;

export interface Segmented {
  image: string | null;
  width: number;
  height: number;
  model: string;
  network: string;
  threshold: number;
  share: number;
  /** Share of pixels at or above 0.00, 0.01 .. 1.00. */
  shares: number[];
  tiled: boolean;
  mask: string | null;
  overlay: string | null;
  cutout: string | null;
  seen: Seen | null;
  ms: Milliseconds;
}

export interface LikelyClass {
  index: number;
  id: string | null;
  label: string;
  probability: number;
}

export interface Predicted {
  image: string | null;
  width: number;
  height: number;
  model: string;
  network: string;
  top: LikelyClass[];
  seen: Seen | null;
  ms: Milliseconds;
}
