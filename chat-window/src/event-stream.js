import { throwConnectionLost } from "./failure.js";

/** @typedef {{ event: string, data: string, id: string }} StreamEvent */
/** @typedef {(event: StreamEvent) => void} Dispatch */

/** The server sends something at least every 15 s. A connection that is silent for this long, in ms, is dead. */
const MAX_SILENCE = 45_000;

/** A field of an event. Comments, which only show that the connection works, have no name. */
const FIELD = /^(\w+): ([^\r\n]*)/gm;

/**
 * Parses Server-Sent Events as AL-Chat writes them: each with all its fields, and its data in one line. Returns a function
 * that takes the text in pieces and calls `dispatch` for each event.
 * @param {Dispatch} dispatch
 */
export function eventParser(dispatch) {
  let rest = "";
  return (/** @type {string} */ piece) => {
    const events = (rest + piece).split(/\r?\n\r?\n/);
    rest = events.pop() ?? "";
    for (const text of events) {
      const event = { event: "", data: "", id: "" };
      for (const [, name, value] of text.matchAll(FIELD)) event[/** @type {keyof StreamEvent} */ (name)] = value;
      if (event.data) dispatch(event);
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
