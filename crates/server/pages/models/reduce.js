/** A picture that is too large for the server, made smaller here. */

/** Pixels of the longer side afterwards: still more than any network looks at. */
const LONGER_SIDE = 2048;
/** What a server answers to a picture that is too large; none, where it closed the line while the picture was still being sent. */
const TOO_LARGE = [0, 413, 422];

/**
 * The size that a picture would be reduced to after this refusal; null where that would not help.
 * @param {File} file
 * @param {number} status
 * @returns {Promise<{width: number, height: number} | null>}
 */
export async function reducedSize(file, status) {
  if (!TOO_LARGE.includes(status)) return null;
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const { width, height } = bitmap;
    bitmap.close();
    const times = LONGER_SIDE / Math.max(width, height);
    return times < 1 ? { width: Math.round(width * times), height: Math.round(height * times) } : null;
  } catch {
    // It is no picture for the browser either.
    return null;
  }
}

/**
 * @param {File} file
 * @param {{width: number, height: number}} size
 */
export async function reduce(file, { width, height }) {
  const bitmap = await createImageBitmap(file, {
    imageOrientation: "from-image", resizeWidth: width, resizeHeight: height, resizeQuality: "high",
  });
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
  bitmap.close();
  // What may be transparent stays so.
  const type = file.type === "image/jpeg" ? "image/jpeg" : "image/png";
  return new File([await canvas.convertToBlob({ type, quality: 0.92 })], file.name, { type });
}
