/** Files that come and go: pictures of an answer as blobs, names, and saving. */

import { make } from "../shared/elements.js";

/**
 * What a data: address holds. The page may not ask for such an address, only show it.
 * @param {string | null | undefined} address
 */
function fileOf(address) {
  if (!address) return null;
  const comma = address.indexOf(",");
  const type = address.slice("data:".length, comma).replace(/;base64$/, "");
  return new Blob([Uint8Array.from(atob(address.slice(comma + 1)), (letter) => letter.charCodeAt(0))], { type });
}

/**
 * @typedef {import("../shared/types.js").Segmented} Segmented
 * @typedef {import("../shared/types.js").Predicted} Predicted
 *
 * @typedef {object} Answered
 * @property {Segmented | Predicted} answer
 * @property {{mask: Blob | null, cutout: Blob | null, seen: Blob | null}} pictures
 */

/**
 * An answer with its pictures as files, which the browser may keep outside of its memory: there may be many.
 * @param {Segmented | Predicted} answer
 * @returns {Answered}
 */
export function unpacked(answer) {
  const { mask = null, cutout = null } = "shares" in answer ? answer : {};
  const pictures = { mask: fileOf(mask), cutout: fileOf(cutout), seen: fileOf(answer.seen?.picture) };
  if ("shares" in answer) Object.assign(answer, { mask: null, cutout: null });
  if (answer.seen) answer.seen.picture = "";
  return { answer, pictures };
}

/** photo.jpg becomes photo, as the command line has it. @param {string} name */
export function stemOf(name) {
  return name.replace(/(?<=.)\.[^.]*$/, "");
}

/** @param {Blob} file @param {string} name */
export function save(file, name) {
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: name }).click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Addresses of blobs that are shown for a while, and given back together. */
export function createAddresses() {
  /** @type {string[]} */
  let addresses = [];
  /** Lays those up to now aside, and tells how to give them back once something else is shown. */
  const take = () => {
    const old = addresses;
    addresses = [];
    return () => old.forEach((address) => URL.revokeObjectURL(address));
  };
  return {
    /** @param {Blob} blob */
    of(blob) {
      const address = URL.createObjectURL(blob);
      addresses.push(address);
      return address;
    },
    take,
    free: () => take()(),
  };
}
