/** @import { Source } from "./sources.js" */
/** @import { AttachedFile, Turn } from "./turn.js" */

// Checks of what was read from `sessionStorage`: the page, an older script or the visitor may have written it.

const isText = (/** @type {unknown} */ value) => typeof value === "string";

/** Returns the elements of a list for which a function returns true. */
const listOf = (/** @type {unknown} */ value, /** @type {(element: any) => boolean} */ isValid) =>
  Array.isArray(value) ? value.map(Object).filter(isValid) : [];

/** Returns the sources of an answer that have a page to open. @type {(value: unknown) => Source[]} */
export const sourcesOf = (value) => listOf(value, ({ title, url }) => isText(title) && /^https?:/i.test(url));

/** @type {(value: unknown) => AttachedFile[]} */
export const restoreFiles = (value) =>
  listOf(value, ({ name, content }) => isText(name) && (isText(content) || content === null));

/**
 * Returns the turns that are whole. Only the last one can be going.
 *
 * @type {(value: unknown) => Turn[]}
 */
export function restoreTurns(value) {
  const isWhole = (/** @type {Turn} */ { text, answer, status, failure }) =>
    isText(text) && isText(answer) && /^(going|done|stopped|failed)$/.test(status) && (!failure || isText(failure.message));
  const turns = listOf(value, isWhole).map((turn) => {
    return { ...turn, files: restoreFiles(turn.files), sources: sourcesOf(turn.sources) };
  });
  for (const turn of turns.slice(0, -1)) if (turn.status === "going") turn.status = "stopped";
  return turns;
}
