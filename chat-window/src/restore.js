/**
 * Checks of what was read from `sessionStorage`: the page, an older script or the visitor may have written it.
 *
 * @typedef {import("./turn.js").AttachedFile} AttachedFile
 * @typedef {import("./turn.js").Failure} Failure
 * @typedef {import("./turn.js").Turn} Turn
 */
import { newKey } from "./turn.js";

const isText = (/** @type {unknown} */ value) => typeof value === "string";
const isNumber = (/** @type {unknown} */ value) => typeof value === "number";

/** Returns those of an object's properties that have the type. */
function properties(/** @type {unknown} */ value, /** @type {(value: unknown) => boolean} */ hasType) {
  return Object.fromEntries(Object.entries(Object(value)).filter(([, property]) => hasType(property)));
}

/** Returns the elements of a list of which `restore` makes something. */
function restoreList(/** @type {unknown} */ value, /** @type {(value: unknown) => any} */ restore) {
  return Array.isArray(value) ? value.map(restore).filter(Boolean) : [];
}

/** @type {(value: unknown) => AttachedFile | undefined} */
function restoreFile(value) {
  const { name, content = null } = properties(value, isText);
  return name === undefined ? undefined : { name, content };
}

/** @type {(value: unknown) => AttachedFile[]} */
export const restoreFiles = (value) => restoreList(value, restoreFile);

/** @type {(value: unknown) => Failure | undefined} */
function restoreFailure(value) {
  const { needsNewKey, isLost } = Object(value);
  const { message, code, requestId } = properties(value, isText);
  const { status } = properties(value, isNumber);
  return message === undefined ? undefined : { message, code, requestId, status, needsNewKey, isLost };
}

/** @type {(value: unknown) => Turn | undefined} */
function restoreTurn(value) {
  const { files, options, failure, status } = Object(value);
  const { text, answer = "", finish, key = newKey(), session, requestId } = properties(value, isText);
  const { until = 0, seen = 0 } = properties(value, isNumber);
  if (text === undefined || !["going", "done", "stopped", "failed"].includes(status)) return undefined;
  const turn = { text, answer, status, finish, key, session, requestId, until, seen };
  return { ...turn, files: restoreFiles(files), options: properties(options, isText), failure: restoreFailure(failure) };
}

/**
 * Returns the turns that are whole. Only the last one can be going.
 *
 * @type {(value: unknown) => Turn[]}
 */
export function restoreTurns(value) {
  const turns = restoreList(value, restoreTurn);
  for (const turn of turns.slice(0, -1)) if (turn.status === "going") turn.status = "stopped";
  return turns;
}
