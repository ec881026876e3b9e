/* eslint-disable no-control-regex -- The control characters that no text has; those of terminals (`\x1b`) occur. */
const CONTROLS = /[\0-\x08\x0e-\x1a\x1c-\x1f]/g;
const NOT_CHARACTERS = /[\0-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]|\p{Cn}|\p{Co}/u;
const RUNS_BEYOND_ASCII = /[^\0-\x7f]{3,}/g;
/* eslint-enable no-control-regex */

/** The encodings of files without Unicode, by the visitor's language (HTML Living Standard, 13.2.3.2). */
const LEGACY_ENCODINGS = Object.entries({
  "windows-1250": "bs cs hr hu pl ro sk sl",
  "windows-1251": "be bg kk ky mk mn ru sr tg tt uk",
  "windows-1253": "el",
  "windows-1254": "az ku tr",
  "windows-1255": "he",
  "windows-1256": "ar fa ur",
  "windows-1257": "et lt lv",
  "windows-1258": "vi",
  "windows-874": "th",
  shift_jis: "ja",
  "euc-kr": "ko",
  big5: "zh-tw zh-hk zh-mo zh-hant",
  gb18030: "zh",
});

/** Returns the encoding that programs used before Unicode in the visitor's language; undefined for Western ones. */
function legacyEncoding() {
  const language = navigator.language.toLowerCase();
  const isSpoken = (/** @type {string} */ name) => `${language}-`.startsWith(`${name}-`);
  return LEGACY_ENCODINGS.find(([, names]) => names.split(" ").some(isSpoken))?.[0];
}

/**
 * Decodes bytes; returns undefined if they are invalid in the encoding.
 * @param {string} encoding
 * @param {Uint8Array} bytes
 */
function decode(encoding, bytes) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Returns the encoding that a byte order mark names. UTF-32, which browsers don't decode, has zeros after the mark. */
function markedEncoding(/** @type {Uint8Array} */ bytes) {
  const start = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (/^(fffe0000|0000feff)/.test(start)) return "utf-32";
  return { fffe: "utf-16le", feff: "utf-16be" }[start.slice(0, 4)];
}

/**
 * Decodes UTF-16 without a byte order mark; returns undefined for other bytes. The zeros suggest the order: most of them are
 * the upper halves of ASCII characters.
 * @param {Uint8Array} bytes
 */
function decodeUnmarkedUtf16(bytes) {
  const zeros = [0, 0];
  bytes.forEach((byte, at) => byte || zeros[at % 2]++);
  const encodings = zeros[0] > zeros[1] ? ["utf-16be", "utf-16le"] : ["utf-16le", "utf-16be"];
  const texts = encodings.map((encoding) => decode(encoding, bytes));
  return texts.find((text) => text && !NOT_CHARACTERS.test(text));
}

/**
 * Decodes UTF-8; returns undefined for other bytes. A few invalid ones, as in a log that several programs write, are
 * replaced.
 * @param {Uint8Array} bytes
 */
function decodeUtf8(bytes) {
  const text = new TextDecoder().decode(bytes);
  const [invalid, all] = [/\ufffd/g, /[\x80-\uffff]/g].map((characters) => text.match(characters)?.length ?? 0);
  return invalid * 10 > all ? decode("utf-8", bytes) : text;
}

/**
 * Returns whether text in Windows-1252 is likely: in Western languages most letters are ASCII.
 * @param {string} text
 * @param {number} minimum the length of other text from which on it isn't
 */
function isWestern(text, minimum) {
  const { length } = text.match(RUNS_BEYOND_ASCII)?.join("") ?? "";
  return length < minimum || length < (text.match(/[a-z]/gi)?.length ?? 0) / 2;
}

/**
 * Decodes text that is not in Unicode; returns undefined if its encoding is unknown.
 * @param {Uint8Array} bytes
 */
function decodeLegacy(bytes) {
  const western = decode("windows-1252", bytes) ?? "";
  const encoding = legacyEncoding();
  if (!isWestern(western, encoding ? 3 : 12)) return encoding && decode(encoding, bytes);
  return (encoding?.startsWith("windows") && decode(encoding, bytes)) || western;
}

/**
 * Returns the text of a file; null for a file that isn't text, and undefined for text in an unknown encoding.
 * @param {Uint8Array} bytes
 */
export function decodeText(bytes) {
  const marked = markedEncoding(bytes);
  if (marked) return decode(marked, bytes);
  if (bytes.includes(0)) return decodeUnmarkedUtf16(bytes) ?? null;
  const text = decodeUtf8(bytes);
  const controls = (text ?? decode("windows-1252", bytes))?.match(CONTROLS)?.length ?? 0;
  if (controls * 10 > (text?.length ?? 0)) return null;
  return text ?? decodeLegacy(bytes);
}
