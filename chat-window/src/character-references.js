/** HTML's names of characters that models write, each followed by its character. */
const NAMES =
  "amp & lt < gt > quot \" apos ' nbsp \xa0 copy © hellip … mdash — ndash – times × deg ° euro € rarr →";

const CHARACTERS = new Map([...NAMES.matchAll(/(\w+) (.)/g)].map(([, name, character]) => [name, character]));

/** A character reference: named, decimal or hexadecimal. */
export const CHARACTER_REFERENCE = /&(?:#\d{1,6}|#x[\da-f]{1,5}|[a-z]{1,9});/i;

/**
 * Returns the character that a reference stands for, or the reference itself if its name is unknown.
 * @param {string} reference
 */
export function characterOf(reference) {
  const name = reference.slice(1, -1);
  if (name[0] !== "#") return CHARACTERS.get(name) ?? reference;
  return String.fromCodePoint(Number(name.slice(1).replace(/^x/i, "0x")) || 0xfffd).toWellFormed();
}
