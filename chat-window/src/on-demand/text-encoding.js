/** Characters that hardly occur in texts: controls except those of lines and terminals, unassigned and private ones. */
// eslint-disable-next-line no-control-regex
const NOT_TEXT = /[\0-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]|\p{Cn}|\p{Co}/gu;

const BEYOND_ASCII = /[\x80-\uffff]/g;

/** Letters in a row as text in Windows-1252 hardly has them, but other scripts in encodings before Unicode. */
const FOREIGN = /[\x80-\uffff]{4}/;

const count = (/** @type {string} */ text, /** @type {RegExp} */ characters) => text.match(characters)?.length ?? 0;

/**
 * Returns the encodings of UTF-16 that bytes may have, the likelier first; none for bytes without a byte order mark and zeros.
 * Most zeros are the upper halves of ASCII characters.
 * @param {Uint8Array} bytes
 */
function utf16Of(bytes) {
  const mark = bytes[0] * 256 + bytes[1];
  if (mark === 0xfeff) return ["utf-16be"];
  if (mark === 0xfffe) return ["utf-16le"];
  const zeros = [0, 0];
  bytes.forEach((byte, at) => byte || zeros[at % 2]++);
  if (!zeros[0] && !zeros[1]) return [];
  return zeros[0] > zeros[1] ? ["utf-16be", "utf-16le"] : ["utf-16le", "utf-16be"];
}

/**
 * Returns the text of a file: in Unicode, or in Windows-1252; undefined for a file that isn't text, or is in another encoding.
 * A few invalid bytes, as in a log that several programs write, are replaced.
 * @param {Uint8Array} bytes
 */
export function decodeText(bytes) {
  const decode = (encoding = "utf-8") => new TextDecoder(encoding).decode(bytes);
  const utf16 = utf16Of(bytes);
  // Other bytes that are read as UTF-16 give Chinese characters, of which few are unassigned.
  if (utf16.length) return utf16.map((encoding) => decode(encoding)).find((text) => text.search(NOT_TEXT) < 0);
  const utf8 = decode();
  const isUtf8 = count(utf8, /\ufffd/g) * 10 <= count(utf8, BEYOND_ASCII);
  const text = isUtf8 ? utf8 : decode("windows-1252");
  if (count(text, NOT_TEXT) * 10 > text.length || (!isUtf8 && FOREIGN.test(text))) return undefined;
  return text;
}
