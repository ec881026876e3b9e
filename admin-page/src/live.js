// The stream of figures and turns from the server, and the attempts to have it again after it broke.
import { eventParser } from "../../chat-window/src/event-stream.js";
import { request, ServerError } from "./server.js";

/**
 * Whether the figures are present: `live` while the stream is; otherwise until when it was, why, and when the next attempt
 * begins.
 * @typedef {{ kind: "connecting" } | { kind: "live" } | { kind: "lost", since: Date, reason: string, nextAttempt: number }} Connection
 */

/** The server sends something at least every 15 s. A stream that is silent for this long, in ms, is dead. */
const MAX_SILENCE = 20_000;

/** The pauses before attempts in a row, in ms; the last one is repeated. */
const PAUSES = [500, 1000, 2000, 4000, 8000, 15_000];

const ENDED = "The server has ended the connection: it stops or restarts.";
const SILENT = "The server has sent nothing for 20 seconds.";
const BROKEN = "The connection to the server broke.";

export class Live {
  #aborted = new AbortController();
  #attempts = 0;
  #timer = 0;
  /** The events that must still come until all figures are present ones. @type {Set<string>} */
  #awaited = new Set();
  /** When the server last sent something. */
  #heard = new Date();

  /**
   * @param {object} listeners
   * @param {(connection: Connection) => void} listeners.connection
   * @param {(name: string, data: any) => void} listeners.event
   * @param {(error: ServerError) => void} listeners.needsToken
   */
  constructor({ connection, event, needsToken }) {
    this.onConnection = connection;
    this.onEvent = event;
    this.onNeedsToken = needsToken;
  }

  /** Connects now, also while the next attempt would come later. */
  async start() {
    this.stop();
    const aborted = (this.#aborted = new AbortController());
    const reason = await this.#read(aborted).catch((error) => error);
    if (aborted !== this.#aborted) return;
    if (reason instanceof ServerError && reason.needsToken) {
      this.stop();
      this.onNeedsToken(reason);
    } else this.#retry(reason);
  }

  /** Ends the stream without a further attempt. */
  stop() {
    clearTimeout(this.#timer);
    const aborted = this.#aborted;
    this.#aborted = new AbortController();
    aborted.abort();
  }

  /** Reads the stream to its end, which it returns as a reason. */
  async #read(/** @type {AbortController} */ aborted) {
    this.#awaited = new Set(["overview", "status"]);
    let reason = "";
    const give = (/** @type {string} */ why) => ((reason = why), aborted.abort());
    let timer = setTimeout(give, MAX_SILENCE, SILENT);
    try {
      const response = await request("events", { signal: aborted.signal });
      const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
      const decoder = new TextDecoder();
      const parse = eventParser(({ event, data }) => this.#dispatch(event, data));
      for (;;) {
        const { done, value } = await reader.read();
        clearTimeout(timer);
        timer = setTimeout(give, MAX_SILENCE, SILENT);
        if (this.#awaited.size === 0) this.#heard = new Date();
        if (done) return ENDED;
        parse(decoder.decode(value, { stream: true }));
      }
    } catch (error) {
      if (reason) return reason;
      if (error instanceof ServerError) throw error;
      return BROKEN;
    } finally {
      clearTimeout(timer);
    }
  }

  #dispatch(/** @type {string} */ event, /** @type {string} */ data) {
    this.onEvent(event, JSON.parse(data));
    if (!this.#awaited.delete(event) || this.#awaited.size) return;
    this.#attempts = 0;
    this.#heard = new Date();
    this.onConnection({ kind: "live" });
  }

  #retry(/** @type {ServerError | string} */ reason) {
    const isServerError = reason instanceof ServerError;
    const pause = PAUSES[Math.min(this.#attempts++, PAUSES.length - 1)];
    // Pages that lost the server at the same time come back at different ones.
    const wait = Math.max(pause * (0.75 + Math.random() / 2), isServerError ? reason.retryAfter * 1000 : 0);
    this.#timer = setTimeout(() => this.start(), wait);
    const text = isServerError ? reason.message : String(reason);
    this.onConnection({ kind: "lost", since: this.#heard, reason: text, nextAttempt: Date.now() + wait });
  }
}
