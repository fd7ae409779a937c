/** Photo and mask as pixels, from which the picture for any threshold is painted without asking the server. */

/** As the overlay that the server writes has them. */
const BACKGROUND = 0.45;
const BACKGROUND_COLOUR = 0.3;
const TINT = [10, 22, 58];
const OUTLINE = [255, 206, 46];
const SIDE_PER_WIDTH = 280;

/** Pixels that are painted at most: a slider has to move smoothly. */
const MOST_PIXELS = 1.5e6;

/**
 * @typedef {object} Painter
 * @property {number} width
 * @property {number} height
 * @property {(canvas: HTMLCanvasElement, threshold: number) => void} paint
 */

/**
 * @param {Blob} photo
 * @param {Blob} mask grey, of the photo's upright size
 * @param {{width: number, height: number}} size of the upright photo
 * @returns {Promise<Painter>}
 */
export async function createPainter(photo, mask, size) {
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (size.width * size.height)));
  const [width, height] = [size.width, size.height].map((side) => Math.max(1, Math.round(side * scale)));
  const [seen, greys] = await Promise.all([pixels(photo, width, height), pixels(mask, width, height)]);
  return painterOf(seen, greys);
}

/**
 * Upright, as the server sees it, on white.
 * @param {Blob} file @param {number} width @param {number} height
 */
async function pixels(file, width, height) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) throw new Error("no canvas");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return pen.getImageData(0, 0, width, height);
}

/** @param {ImageData} photo @param {ImageData} mask @returns {Painter} */
function painterOf(photo, mask) {
  const { width, height } = photo;
  const found = Uint8Array.from({ length: width * height }, (_, at) => mask.data[at * 4]);
  const light = new Uint32Array(photo.data.buffer);
  const dark = new Uint32Array(darkened(photo).buffer);
  const [outline] = new Uint32Array(Uint8ClampedArray.of(...OUTLINE, 255).buffer);
  const reach = Math.max(1, Math.round(Math.sqrt(width * height) / SIDE_PER_WIDTH));
  const painted = new ImageData(width, height);
  const result = new Uint32Array(painted.data.buffer);

  /** @param {HTMLCanvasElement} canvas @param {number} threshold */
  const paint = (canvas, threshold) => {
    const least = threshold * 255;
    /** @param {number} at */
    const out = (at) => found[at] < least;
    for (let row = 0, at = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1, at += 1) {
        if (out(at)) result[at] = dark[at];
        else {
          const edge = (column >= reach && out(at - reach)) || (column + reach < width && out(at + reach))
            || (row >= reach && out(at - reach * width)) || (row + reach < height && out(at + reach * width));
          result[at] = edge ? outline : light[at];
        }
      }
    }
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    canvas.getContext("2d")?.putImageData(painted, 0, 0);
  };
  return { width, height, paint };
}

/** Every pixel paler, darker and tinted. @param {ImageData} photo */
function darkened({ data }) {
  const dark = new Uint8ClampedArray(data.length);
  for (let at = 0; at < data.length; at += 4) {
    // ITU-R BT.601.
    const grey = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
    TINT.forEach((tint, channel) => {
      dark[at + channel] = tint + (grey + (data[at + channel] - grey) * BACKGROUND_COLOUR) * BACKGROUND;
    });
    dark[at + 3] = 255;
  }
  return dark;
}
