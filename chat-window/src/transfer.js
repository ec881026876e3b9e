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

/**
 * Returns the files that are pasted or dropped. Pictures that only show what the text says, as spreadsheets add them, are left
 * out; file managers, however, add a text with the files' names.
 * @param {DataTransfer} transfer
 * @returns {ChosenFile[]}
 */
export function filesOf(transfer) {
  const chosen = [...transfer.items].flatMap((item) => {
    const file = item.getAsFile();
    return file ? [{ file, isFolder: item.webkitGetAsEntry()?.isDirectory ?? false }] : [];
  });
  const text = textOf(transfer);
  const isNamed = (/** @type {string} */ name) => [name, encodeURIComponent(name)].some((name) => text.includes(name));
  const isShownText = text && chosen.every(({ file }) => PICTURE.test(file.type) && !isNamed(file.name));
  return isShownText ? [] : chosen;
}
