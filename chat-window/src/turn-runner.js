import { readEvents } from "./event-stream.js";
import { isOfType } from "./client.js";
import { ConnectionLost, failureFrom, TurnFailed } from "./failure.js";
/** @import { Strings } from "../../web/chat-window.js" */
/** @import { Client } from "./client.js" */
/** @import { StreamEvent } from "./event-stream.js" */
/** @import { Session } from "./session.js" */
/** @import { DoneEvent, Failure, Turn } from "./turn.js" */

/** Pauses before further tries to reach the server, in ms. After the last one the turn fails. */
const RETRY_PAUSES = [300, 700, 1500, 3000, 5000, 8000];

/**
 * Pause while the browser is offline, in ms. Some browsers say so without being offline, so it is tried now and then.
 */
const OFFLINE_PAUSE = 15_000;

/**
 * The window. `ready` resolves when a question may be sent; `waiting` is called when the connection is lost.
 * @typedef {object} Host
 * @property {() => Strings} strings
 * @property {() => boolean} isConnected
 * @property {() => Promise<void>} ready
 * @property {(turn: Turn) => object[]} history
 * @property {() => void} save
 * @property {(turn: Turn, text: string) => void} waiting
 * @property {() => void} drawSoon
 * @property {(turn: Turn, event: DoneEvent) => void} done
 * @property {(turn: Turn, failure: Failure) => void} failed
 */

/**
 * Runs a turn: sends the question and reads the answer, over as many connections as that needs.
 */
export class TurnRunner {
  /** The request that stops a turn at the server. @type {Promise<unknown> | undefined} */
  stopping;
  /** Identifies the latest run: another one begins with each turn. */
  run = {};
  #client;
  #session;
  #host;
  /** Aborts the connection, or the pause before the next one. */
  #connection = new AbortController();

  /**
   * @param {Client} client
   * @param {Session} session
   * @param {Host} host
   */
  constructor(client, session, host) {
    this.#client = client;
    this.#session = session;
    this.#host = host;
  }

  /** Ends the run. What arrives for it is ignored. */
  cancel() {
    this.run = {};
  }

  /** Closes the connection, or ends the pause. If the turn is still going, the next connection follows at once. */
  reconnect() {
    this.#connection.abort();
  }

  /** Stops a turn at the server. Without an id it is stopped as soon as the id is known. */
  stop(/** @type {Turn} */ turn) {
    if (!turn.requestId) return;
    this.#connection.abort();
    this.#stopAtServer(turn);
  }

  #stopAtServer(/** @type {Turn} */ turn) {
    this.stopping = this.#client.stop(turn);
  }

  /**
   * Runs a turn to its end. Each try is safe: it continues where the last one was lost, or sends the question again
   * with the same idempotency key, which the server answers once.
   */
  async start(/** @type {Turn} */ turn) {
    const run = (this.run = {});
    const isActive = () => turn.status === "going" && this.#host.isConnected() && this.run === run;
    for (let tries = 0; isActive(); ) {
      this.#connection = new AbortController();
      try {
        await this.#read(turn, this.#connection, () => (tries = 0));
      } catch (error) {
        if (!isActive()) return;
        const { failure, isLarge } = error instanceof ConnectionLost ? error : new ConnectionLost();
        if (error instanceof TurnFailed) this.#host.failed(turn, error.failure);
        // A proxy refused it by a response that the browser hides from other origins.
        else if (isLarge && tries && (await this.#client.get("health"))) {
          this.#host.failed(turn, { message: this.#host.strings().tooLarge, status: 413 });
        } else if (tries < RETRY_PAUSES.length) {
          tries += await this.#pause(turn, RETRY_PAUSES[tries]);
        } else this.#host.failed(turn, failure ?? (await this.#unreachable()));
      }
    }
  }

  /** Returns the failure of a turn whose every try failed. The server may refuse this website, which browsers do not tell. */
  async #unreachable() {
    const { notListed, unreachable } = this.#host.strings();
    return { message: (await this.#client.isReachable()) ? notListed : unreachable, isLost: true };
  }

  /**
   * Waits before the next try. Resolves to 1 if the try counts, and to 0 while the browser is offline or when aborted.
   */
  #pause(/** @type {Turn} */ turn, /** @type {number} */ time) {
    const isOffline = navigator.onLine === false;
    const { offline, reconnecting } = this.#host.strings();
    this.#host.waiting(turn, isOffline ? offline : reconnecting);
    this.#connection = new AbortController();
    return new Promise((/** @type {(counts: number) => void} */ resolve) => {
      setTimeout(resolve, isOffline ? OFFLINE_PAUSE : time, isOffline ? 0 : 1);
      this.#connection.signal.addEventListener("abort", () => resolve(0));
    });
  }

  /**
   * Reads the rest of the answer over one connection. Calls `received` with each event.
   * @param {Turn} turn
   * @param {AbortController} connection
   * @param {() => void} received
   */
  async #read(turn, connection, received) {
    if (turn.session === undefined) {
      turn.session = (await this.#session.id()) ?? null;
      this.#session.count("messages");
      this.#session.count("files", turn.files.length);
      this.#host.save();
    }
    const isResumed = turn.requestId !== undefined;
    const { signal } = connection;
    const response = await (isResumed ? this.#client.resume(turn, signal) : this.#ask(turn, signal));
    if (isResumed && (!response.ok || response.status === 204)) return this.#prepareNextTry(turn, response);
    if (!isOfType(response, "text/event-stream")) throw await this.#client.errorFrom(response);
    if (!isResumed) Object.assign(turn, { requestId: response.headers.get("x-request-id") ?? undefined, seen: 0 });
    // Stopped by the visitor before the id was known. The next question may already have a connection of its own.
    if (turn.status !== "going") {
      connection.abort();
      return this.#stopAtServer(turn);
    }
    this.#host.save();
    await readEvents(response, connection, (event) => {
      this.#apply(turn, event);
      received();
    });
    if (turn.status === "going") throw new ConnectionLost();
  }

  /**
   * @param {Turn} turn
   * @param {AbortSignal} signal
   */
  async #ask(turn, signal) {
    await this.#host.ready();
    if (turn.status !== "going") throw new ConnectionLost();
    if (turn.files.some(({ content }) => content === null)) {
      throw new TurnFailed({ message: this.#host.strings().filesLost, status: 400 });
    }
    return this.#client.ask(turn, this.#host.history(turn), signal);
  }

  /**
   * Applies an event of the answer to the turn, unless it was received before.
   * @param {Turn} turn
   * @param {StreamEvent} event
   */
  #apply(turn, { event, data, id }) {
    if (turn.status !== "going" || Number(id) <= (turn.seen ?? 0)) return;
    const body = JSON.parse(data);
    turn.seen = Number(id);
    if (event === "start") Object.assign(turn, { requestId: body.request_id, answer: "" });
    else if (event === "delta") turn.answer += body.content;
    else if (event === "error") throw failureFrom(body, this.#host.strings());
    else if (event === "done") this.#host.done(turn, body);
    this.#host.drawSoon();
  }

  /**
   * Decides how the next try continues a turn that could not be resumed.
   * @param {Turn} turn
   * @param {Response} response
   */
  async #prepareNextTry(turn, response) {
    const { status } = response;
    // The numbers of the events may have changed: read from the start.
    if (status === 400 && turn.seen) turn.seen = 0;
    // The server no longer has the events: ask again by the idempotency key, which finds the result.
    else if ([204, 400, 404].includes(status)) turn.requestId = undefined;
    else throw status < 500 ? await this.#client.errorFrom(response) : new ConnectionLost();
  }
}
