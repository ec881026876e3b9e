/**
 * A turn is one question and its answer:
 * - `text`, `files`: the question. A file is `{ name, content }`; its content is null where it was too large to store.
 * - `answer`: the text received so far; `finish`: the server's finish reason.
 * - `status`: `going`, `done`, `stopped` or `failed`; `failure`: why it failed; `until`: when it may be asked again.
 * - `options`: `{ username, model, persona }` as the attributes were when the question was asked.
 * - `key`: the idempotency key; `session`: the session's id; `requestId`: the turn's id at the server.
 * - `seen`: the number of the last event received.
 *
 * Turns are stored as JSON (`storage.js`).
 */
export const newTurn = (text, files, options) => {
  return { text, files, answer: "", status: "going", key: newKey(), seen: 0, options };
};

/** Longest history sent with a question, in characters. Few models read more. */
const MAX_HISTORY = 400_000;

/** Returns a random idempotency key. `randomUUID` exists in secure contexts only. */
export const newKey = () => crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join("-");

/** Returns whether the same question may be asked again. A question refused for its content has to be changed first. */
export const canRetry = ({ failure }) => ![400, 413, 415].includes(failure?.status);

/**
 * Returns a question as the model reads it: the files, then the text. Without `withContents`, the files are named only.
 */
function questionText({ text, files }, withContents) {
  const parts = files.map(({ name, content }, index) => {
    const head = `[Attached file ${index + 1}: ${name}]`;
    return withContents && content !== null ? `${head}\n\n${content}` : head;
  });
  return [...parts, text].join("\n\n---\n\n");
}

/** Returns the messages before a turn, as many of the latest as fit into `MAX_HISTORY`. */
export function historyBefore(turn, turns) {
  const history = [];
  let room = MAX_HISTORY;
  for (const past of turns.slice(0, turns.indexOf(turn)).reverse()) {
    if (past.status === "failed") continue;
    const size = (question) => question.length + past.answer.length;
    const question = [true, false].map((all) => questionText(past, all)).find((text) => size(text) <= room);
    if (question === undefined) break;
    room -= size(question);
    if (past.answer) history.unshift({ role: "assistant", content: past.answer });
    history.unshift({ role: "user", content: question });
  }
  return history;
}
