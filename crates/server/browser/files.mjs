/** Small files that the tests drop on a page. */

import { crc32, deflateSync, inflateSync } from "node:zlib";

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
  const lines = Buffer.alloc(rows * (columns + 1));
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) lines[row * (columns + 1) + 1 + column] = grey(row, column);
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(lines)), chunk("IEND", Buffer.alloc(0))]);
}

/**
 * The samples of a PNG of 8 bits without a palette, row by row.
 * @param {Buffer} file
 */
export function readPng(file) {
  const head = { width: 0, height: 0, channels: 0 };
  /** @type {Buffer[]} */
  const packed = [];
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at);
    const type = file.toString("latin1", at + 4, at + 8);
    const data = file.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") Object.assign(head, { width: data.readUInt32BE(0), height: data.readUInt32BE(4), channels: { 0: 1, 2: 3, 4: 2, 6: 4 }[data[9] ?? 0] ?? 0 });
    if (type === "IDAT") packed.push(data);
    at += 12 + length;
  }
  const { width, height, channels } = head;
  const raw = inflateSync(Buffer.concat(packed));
  const row = width * channels;
  const samples = new Uint8Array(row * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (row + 1)];
    for (let x = 0; x < row; x += 1) {
      const left = x >= channels ? samples[y * row + x - channels] : 0;
      const above = y > 0 ? samples[(y - 1) * row + x] : 0;
      const corner = x >= channels && y > 0 ? samples[(y - 1) * row + x - channels] : 0;
      const near = [left, above, corner].toSorted((a, b) => Math.abs(left + above - corner - a) - Math.abs(left + above - corner - b))[0];
      samples[y * row + x] = raw[y * (row + 1) + 1 + x] + [0, left, above, (left + above) >> 1, near][filter];
    }
  }
  return { ...head, samples };
}

/**
 * A JPEG with a note that says how it is to be turned.
 * @param {Buffer} jpeg
 * @param {number} orientation 6: a quarter to the right
 */
export function turned(jpeg, orientation) {
  const tiff = Buffer.from("4d4d002a00000008000101120003000000010000000000000000", "hex");
  tiff.writeUInt16BE(orientation, 18);
  const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff]);
  const mark = Buffer.from([0xff, 0xe1, 0, 0]);
  mark.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), mark, body, jpeg.subarray(2)]);
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
