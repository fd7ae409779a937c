/** Which questions were answered, kept in this browser only. */

const KEY = "upconv.answered";

/** @returns {Record<string, string[]>} */
function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof kept === "object" && kept !== null ? kept : {};
  } catch {
    // Storage may be forbidden, or hold what another version wrote.
    return {};
  }
}

/**
 * @param {string} lesson
 * @returns {Set<string>}
 */
export function answered(lesson) {
  const kept = read()[lesson];
  return new Set(Array.isArray(kept) ? kept : []);
}

/**
 * @param {string} lesson
 * @param {string} question
 */
export function keepAnswered(lesson, question) {
  const ids = answered(lesson).add(question);
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...read(), [lesson]: [...ids] }));
  } catch {
    // Storage may be forbidden; the page still shows the answer.
  }
}
