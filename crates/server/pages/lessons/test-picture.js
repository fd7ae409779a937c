/** A picture to look at while there is no other: letters, a disc, stripes and a gradient. */

/** All factors divide it, and the panel shows nearly all of it. */
const SIDE = 96;
/** Widths of the stripes in pixels: the finest are those that a way down by 2 cannot keep. */
const STRIPES = [1, 2, 3, 4];
const LINES = /** @type {const} */ ([["upconv", 18], ["4x4 2x2", 11], ["up and down", 8]]);

/** @returns {Promise<Blob>} a PNG */
export async function testPicture() {
  const canvas = document.createElement("canvas");
  canvas.width = SIDE;
  canvas.height = SIDE;
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("no canvas");
  gradient(pen);
  disc(pen);
  stripes(pen);
  letters(pen);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG"))), "image/png");
  });
}

/** @param {CanvasRenderingContext2D} pen */
function gradient(pen) {
  const sky = pen.createLinearGradient(0, 0, SIDE, SIDE);
  sky.addColorStop(0, "#f6e7c8");
  sky.addColorStop(1, "#2b5f8c");
  pen.fillStyle = sky;
  pen.fillRect(0, 0, SIDE, SIDE);
}

/** @param {CanvasRenderingContext2D} pen */
function disc(pen) {
  pen.fillStyle = "#d55e00";
  pen.beginPath();
  pen.arc(74, 44, 15, 0, 2 * Math.PI);
  pen.fill();
}

/** @param {CanvasRenderingContext2D} pen */
function stripes(pen) {
  STRIPES.forEach((width, band) => {
    const left = 7 + 21 * band;
    pen.fillStyle = "#ffffff";
    pen.fillRect(left, 68, 19, 20);
    pen.fillStyle = "#111111";
    for (let at = 0; at + width <= 19; at += 2 * width) pen.fillRect(left + at, 68, width, 20);
  });
}

/** @param {CanvasRenderingContext2D} pen */
function letters(pen) {
  pen.fillStyle = "#111111";
  let line = 6;
  for (const [text, size] of LINES) {
    pen.font = `${size}px sans-serif`;
    line += size;
    pen.fillText(text, 7, line);
    line += 4;
  }
}
