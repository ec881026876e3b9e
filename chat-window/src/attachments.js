import { fill } from "./strings.js";

const MAX_FILES = 10;

/** Largest file, in bytes. */
const MAX_FILE_SIZE = 1 << 20;

/**
 * Returns the text of a file; undefined for a file that isn't text. Text that is not UTF-8 or UTF-16 and has no control
 * characters is read as Windows-1252.
 */
async function readText(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const decode = (encoding, fatal) => new TextDecoder(encoding, { fatal }).decode(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decode("utf-16le");
  if (bytes.some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27))) return undefined;
  try {
    return decode("utf-8", true);
  } catch {
    return decode("windows-1252");
  }
}

/**
 * Adds the chosen files to the list that `attached` returns. The list may be replaced while a file is being read. Returns a
 * sentence about files that can't be attached.
 */
export async function attachFiles(chosen, attached, strings) {
  const problems = new Set();
  for (const file of chosen) {
    const { name, size } = file;
    const content = size > MAX_FILE_SIZE ? undefined : await readText(file).catch(() => undefined);
    if (size > MAX_FILE_SIZE) problems.add(fill(strings.fileTooLarge, { name }));
    else if (content === undefined) problems.add(fill(strings.fileNotText, { name }));
    else if (attached().length >= MAX_FILES) problems.add(fill(strings.tooManyFiles, { count: MAX_FILES }));
    else attached().push({ name, content });
  }
  return [...problems].join(" ");
}
