/** Files that programs add to a text: how it looks. */
const PICTURE = /^(image\/|application\/pdf)/;

/**
 * Returns the files that are pasted or dropped. Pictures that only show what the text says, as spreadsheets add them, are left
 * out; file managers, however, add a text with the files' names.
 * @param {DataTransfer | null} transfer
 */
export function filesOf(transfer) {
  const files = [...(transfer?.files ?? [])];
  const text = transfer?.getData("text/plain");
  const isNamed = (/** @type {string} */ name) => text?.includes(name) || text?.includes(encodeURIComponent(name));
  return text && files.every(({ type, name }) => PICTURE.test(type) && !isNamed(name)) ? [] : files;
}
