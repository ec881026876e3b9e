/**
 * A file that the visitor chose, pasted or dropped.
 * @typedef {{ file: File, isFolder: boolean }} ChosenFile
 */

/** Files that programs add to a text: how it looks. */
const PICTURE = /^(image\/|application\/pdf)/;

/** Returns whether something that is dragged has files. */
export const hasFiles = (/** @type {DataTransfer | null} */ transfer) => transfer?.types.includes("Files") ?? false;

/** Returns whether a link is dragged. */
export const hasLink = (/** @type {DataTransfer | null} */ transfer) => transfer?.types.includes("text/uri-list") ?? false;

/** Returns the text of what is pasted or dropped. The text of a link is its address. */
export const textOf = (/** @type {DataTransfer} */ transfer) =>
  transfer.getData("text/plain") || transfer.getData("text/uri-list");

/** Decodes the path of a `file:` URL. */
function decodePath(/** @type {string} */ path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/**
 * Returns whether a text only names files, as file managers add it.
 * @param {string} text
 * @param {ChosenFile[]} files
 */
function isNamesOf(text, files) {
  const lines = text.split(/[\r\n]+/).filter(Boolean);
  const isName = (/** @type {string} */ line) =>
    files.some(({ file: { name } }) => [line, decodePath(line)].some((path) => path.split(/[/\\]/).at(-1) === name));
  return lines.every(isName);
}

/**
 * Returns the files that are pasted or dropped; none if they only show what the text says, as spreadsheets add them.
 * @param {DataTransfer} transfer
 * @returns {ChosenFile[]}
 */
export function filesOf(transfer) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const chosen = items.flatMap((item) => {
    const file = item.getAsFile();
    return file ? [{ file, isFolder: item.webkitGetAsEntry()?.isDirectory ?? false }] : [];
  });
  const isShownText = chosen.every(({ file }) => PICTURE.test(file.type)) && !isNamesOf(textOf(transfer), chosen);
  return isShownText ? [] : chosen;
}
