/**
 * HTML's names of characters that models write.
 * @type {Record<string, string | null>}
 */
const CHARACTERS = {
  __proto__: null,
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\xa0",
  copy: "©",
  hellip: "…",
  mdash: "—",
  ndash: "–",
  times: "×",
  deg: "°",
  euro: "€",
  rarr: "→",
};

/** A character reference: named, decimal or hexadecimal. */
export const CHARACTER_REFERENCE = /&(?:#\d{1,6}|#x[\da-f]{1,5}|[a-z]{1,9});/i;

/**
 * Returns the character that a reference stands for, or the reference itself if its name is unknown.
 * @param {string} reference
 */
export function characterOf(reference) {
  const name = reference.slice(1, -1);
  if (name[0] !== "#") return CHARACTERS[name] ?? reference;
  return String.fromCodePoint(Number(name.slice(1).replace(/^x/i, "0x")) || 0xfffd).toWellFormed();
}
