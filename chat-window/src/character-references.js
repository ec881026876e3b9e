/** HTML's names of characters that models write, each followed by its character. */
const NAMES =
  "amp & lt < gt > quot \" apos ' nbsp \xa0 copy © reg ® trade ™ hellip … mdash — ndash – times × deg ° euro € rarr → le ≤ ge ≥ ne ≠";

const CHARACTERS = new Map([...NAMES.matchAll(/(\w+) (.)/g)].map(([, name, character]) => [name, character]));

/** A character reference: named, decimal or hexadecimal. */
export const CHARACTER_REFERENCE = /&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]{1,9});/i;

/**
 * Returns the character that a reference stands for, or the reference itself if its name is unknown.
 * @param {string} reference
 */
export function characterOf(reference) {
  const name = reference.slice(1, -1);
  if (name[0] !== "#") return CHARACTERS.get(name) ?? reference;
  const code = Number(name.slice(1).replace(/^x/i, "0x"));
  const isSurrogate = code >= 0xd800 && code < 0xe000;
  return code && code <= 0x10ffff && !isSurrogate ? String.fromCodePoint(code) : "\ufffd";
}
