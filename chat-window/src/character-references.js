/** HTML's names of characters that models write, each followed by its character. */
const NAMES =
  "amp & lt < gt > quot \" apos ' nbsp \xa0 copy © reg ® trade ™ hellip … mdash — ndash – times × deg ° euro € pound £ " +
  "sect § middot · bull • laquo « raquo » ldquo “ rdquo ” lsquo ‘ rsquo ’ larr ← uarr ↑ rarr → darr ↓ le ≤ ge ≥ ne ≠ " +
  "auml ä ouml ö uuml ü Auml Ä Ouml Ö Uuml Ü szlig ß eacute é egrave è";

const CHARACTERS = new Map([...NAMES.matchAll(/(\w+) (\S|\xa0)/g)].map(([, name, character]) => [name, character]));

/** A character reference: named, decimal or hexadecimal. */
export const CHARACTER_REFERENCE = /&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,9});/i;

/**
 * Returns the character that a reference stands for, or the reference itself if its name is unknown.
 * @param {string} reference
 */
export function characterOf(reference) {
  const name = reference.slice(1, -1);
  if (name[0] !== "#") return CHARACTERS.get(name) ?? reference;
  const code = Number(name.slice(1).replace(/^x/i, "0x"));
  // As HTML has it: a surrogate or zero is no character, and the control characters from 128 on are those of Windows.
  if (!code || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return "\ufffd";
  return code >> 5 === 4 ? new TextDecoder("windows-1252").decode(Uint8Array.of(code)) : String.fromCodePoint(code);
}
