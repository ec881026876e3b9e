import { throwConnectionLost } from "./failure.js";

/** @typedef {{ event: string, data: string, id: string }} StreamEvent */
/** @typedef {(event: StreamEvent) => void} Dispatch */

/** The server sends something at least every 15 s. A connection that is silent for this long, in ms, is dead. */
const MAX_SILENCE = 45_000;

/**
 * Parses Server-Sent Events (HTML Living Standard, 9.2.6). Returns a function that takes the text in pieces and calls
 * `dispatch` for each event.
 * @param {Dispatch} dispatch
 */
function eventParser(dispatch) {
  let [line, event, data, id] = ["", "", "", ""];
  let isAfterReturn = false;
  const endLine = () => {
    const [name] = line.split(":", 1);
    const value = line.slice(name.length + 1).replace(/^ /, "");
    if (!line) {
      if (data) dispatch({ event, data: data.slice(0, -1), id });
      event = data = "";
    } else if (name === "event") event = value;
    else if (name === "data") data += value + "\n";
    else if (name === "id" && !value.includes("\0")) id = value;
  };
  return (/** @type {string} */ piece) => {
    const [first, ...lines] = (isAfterReturn ? piece.replace(/^\n/, "") : piece).split(/\r\n|\r|\n/);
    if (piece) isAfterReturn = piece.endsWith("\r");
    line += first;
    for (const next of lines) {
      endLine();
      line = next;
    }
  };
}

/**
 * Calls `dispatch` for each event of a response until it ends. Aborts a connection that is silent for too long.
 * @param {Response} response
 * @param {AbortController} connection
 * @param {Dispatch} dispatch
 */
export async function readEvents(response, connection, dispatch) {
  const parse = eventParser(dispatch);
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const timer = setTimeout(() => connection.abort(), MAX_SILENCE);
    const { done, value } = await reader.read().catch(throwConnectionLost).finally(() => clearTimeout(timer));
    if (done) return;
    parse(decoder.decode(value, { stream: true }));
  }
}
