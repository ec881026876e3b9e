import { splitReasoning } from "./reasoning.js";

/**
 * A file that the visitor attached. Its content is null where it was too large to store.
 *
 * @typedef {{ name: string, content: string | null }} AttachedFile
 */

/**
 * Why a turn failed; see `failureFrom`.
 *
 * @typedef {{ message: string, code?: string, status?: number, requestId?: string, retryAfter?: number,
 *   needsNewKey?: boolean, isLost?: boolean }} Failure
 */

/**
 * A turn is one question and its answer. Turns are stored as JSON (`storage.js`).
 *
 * @typedef {object} Turn
 * @property {string} text the question
 * @property {AttachedFile[]} files
 * @property {string} answer the text received so far
 * @property {"going" | "done" | "stopped" | "failed"} status
 * @property {string} [finish] the server's finish reason
 * @property {import("./sources.js").Source[]} [sources] what the answer is based on
 * @property {string} [notice] why the owner's guard cut the answer off
 * @property {"up" | "down"} [rating] the visitor's
 * @property {Failure} [failure] why it failed
 * @property {number} [until] when it may be asked again
 * @property {{ username?: string, model?: string, persona?: string }} [options] the attributes when the question was asked
 * @property {string} [key] the idempotency key
 * @property {string | null} [session] the session's id; null if the server refused to start one
 * @property {string} [requestId] the turn's id at the server
 * @property {number} [seen] the number of the last event received
 */

/**
 * The data of the event `done` of a turn's stream; see the contract.
 *
 * @typedef {{ message: string, finish_reason: string, model: string, usage: object, request_id: string, sources?: unknown,
 *   notice?: string }} DoneEvent
 */

/** @type {(text: string, files: AttachedFile[], options: Turn["options"]) => Turn} */
export const newTurn = (text, files, options) => {
  return { text, files, answer: "", status: "going", key: newKey(), options };
};

/**
 * Largest question with its history, in bytes, unless its files are larger. AL-Chat takes 400 KiB from visitors without an
 * account (`LIMIT_ANONYMOUS_INPUT`).
 */
const MAX_REQUEST = 400_000;

/** Room for the history of a question with large files, in bytes. */
const MIN_HISTORY = 9000;

/** Returns a random idempotency key. (`randomUUID` exists in secure contexts only.) */
export const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** Returns whether the same question may be asked again. A question refused for its content has to be changed first. */
export const canRetry = (/** @type {Turn} */ { failure }) =>
  failure?.needsNewKey || ![400, 413, 415, 422].includes(failure?.status ?? 0);

/**
 * Returns a question as the model reads it: the files, then the text. Without `withContents`, the files are named only.
 *
 * @param {Turn} turn
 * @param {boolean} withContents
 */
function questionText({ text, files }, withContents) {
  const parts = files.map(({ name, content }, index) => {
    const head = `[Attached file ${index + 1}: ${name}]`;
    return withContents && content !== null ? `${head}\n\n${content}` : head;
  });
  return [...parts, text].join("\n\n---\n\n");
}

/** Returns the size of a part of a request, in bytes. */
const sizeOf = (/** @type {object} */ part) => new Blob([JSON.stringify(part)]).size;

/**
 * Returns the messages before a turn, as many of the latest as fit into `MAX_REQUEST` with its question. Reasoning is left out.
 *
 * @param {Turn} turn
 * @param {Turn[]} turns
 */
export function historyBefore(turn, turns) {
  /** @type {{ role: string, content: string }[]} */
  let history = [];
  let room = Math.max(MIN_HISTORY, MAX_REQUEST - sizeOf([turn.text, turn.files]));
  for (const past of turns.slice(0, turns.indexOf(turn)).reverse()) {
    if (past.status === "failed") continue;
    const { answer: content } = splitReasoning(past.answer);
    const answer = content.trim() ? [{ role: "assistant", content }] : [];
    const messages = [true, false]
      .map((withContents) => [{ role: "user", content: questionText(past, withContents) }, ...answer])
      .find((messages) => sizeOf(messages) <= room);
    if (!messages) break;
    room -= sizeOf(messages);
    history = [...messages, ...history];
  }
  return history;
}
