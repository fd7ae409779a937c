/** Small files that the tests drop on a page. */

import { crc32, deflateSync } from "node:zlib";

/**
 * A grey picture as PNG.
 * @param {number} rows
 * @param {number} columns
 * @param {(row: number, column: number) => number} grey 0 to 255
 */
export function png(rows, columns, grey) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(columns, 0);
  head.writeUInt32BE(rows, 4);
  // Eight bits, one channel.
  head.set([8, 0, 0, 0, 0], 8);
  // Every line begins with its filter: none.
  const lines = Array.from({ length: rows }, (_, row) => [0, ...Array.from({ length: columns }, (__, column) => grey(row, column))]);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(Buffer.from(lines.flat()))), chunk("IEND", Buffer.alloc(0))]);
}

/** @param {string} type @param {Buffer} data */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/**
 * A safetensors file.
 * @param {Record<string, {shape: number[], values: number[]}>} tensors
 */
export function safetensors(tensors) {
  /** @type {Record<string, object>} */
  const header = {};
  /** @type {number[]} */
  const all = [];
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    header[name] = { dtype: "F32", shape, data_offsets: [all.length * 4, (all.length + values.length) * 4] };
    all.push(...values);
  }
  const words = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(words.length));
  const data = Buffer.alloc(all.length * 4);
  all.forEach((value, at) => data.writeFloatLE(value, at * 4));
  return Buffer.concat([length, words, data]);
}

/**
 * Drops a file on an element, as a mouse does that comes from another window.
 * @param {import("playwright-core").Locator} place
 * @param {{name: string, mimeType: string, buffer: Buffer}} file
 */
export async function drop(place, { name, mimeType, buffer }) {
  const transfer = await place.page().evaluateHandle(([bytes, called, type]) => {
    const carried = new DataTransfer();
    carried.items.add(new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], called, { type }));
    return carried;
  }, /** @type {const} */ ([buffer.toString("base64"), name, mimeType]));
  for (const event of ["dragenter", "dragover", "drop"]) await place.dispatchEvent(event, { dataTransfer: transfer });
}

/**
 * Presses what opens the file dialog, and chooses.
 * @param {import("playwright-core").Locator} opener
 * @param {{name: string, mimeType: string, buffer: Buffer}} file
 */
export async function pick(opener, file) {
  const [dialog] = await Promise.all([opener.page().waitForEvent("filechooser"), opener.click()]);
  await dialog.setFiles(file);
}
