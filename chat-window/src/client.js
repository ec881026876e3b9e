import { attempt } from "./attempt.js";
import { ConnectionLost, failureFrom, foreignFailure, throwConnectionLost, TurnFailed } from "./failure.js";
import { isTicketRefused, ticketHeader } from "./tickets.js";
/** @import { Strings } from "../../web/chat-window.js" */
/** @import { Turn } from "./turn.js" */

/** The URL of the folder that this script was loaded from. The API is in the same folder. */
const SCRIPT_FOLDER = new URL(".", import.meta.url).href;

const JSON_TYPE = "application/json";

/** Size of a request that a proxy may find too large, in characters. */
const LARGE = 64_000;

/** Returns whether a response succeeded and has a media type. A page in place of it comes from another server. */
export const isOfType = (/** @type {Response} */ response, /** @type {string} */ type) =>
  response.ok && (response.headers.get("content-type")?.startsWith(type) ?? false);

/** Returns the options of a request that posts JSON. */
const posted = (/** @type {object} */ content) => {
  return { method: "POST", headers: { "Content-Type": JSON_TYPE }, body: JSON.stringify(content) };
};

/** @typedef {typeof import("./on-demand/script.js")} OnDemand */

/** @typedef {{ attribute(name: string): string | undefined, isPortal(): boolean, strings(): Strings }} Host */

/** Calls AL-Chat's API. `host` is the window, with what its attributes are now. */
export class Client {
  #host;

  constructor(/** @type {Host} */ host) {
    this.#host = host;
  }

  /** The base URL of the API: the script's folder unless the element names a valid one. */
  get base() {
    const api = this.#host.attribute("api");
    return (api && attempt(() => new URL(api.replace(/\/?$/, "/"), document.baseURI).href)) || SCRIPT_FOLDER;
  }

  #url(/** @type {string} */ path) {
    return new URL(`api/${path}`, this.base).href;
  }

  /**
   * Sends a request. Only the portal needs cookies; its own paths are beside `api/`.
   * @param {string} path
   * @param {RequestInit} options
   * @returns {Promise<Response>}
   */
  fetch(path, options) {
    const credentials = this.#host.isPortal() ? "same-origin" : "omit";
    return fetch(this.#url(path), { credentials, cache: "no-store", ...options }).catch(throwConnectionLost);
  }

  /** Returns the JSON at a path; undefined if there is none within 5 s. */
  async get(/** @type {string} */ path) {
    const response = await this.fetch(path, { signal: AbortSignal.timeout(5000) }).catch(() => {});
    return response?.ok ? response.json().catch(() => {}) : undefined;
  }

  /**
   * Loads what few visitors need, once; undefined if that is impossible now.
   * @returns {Promise<OnDemand | undefined>}
   */
  onDemand() {
    return import(this.#url("../chat-window-on-demand.js")).catch(() => {});
  }

  /** Returns whether the server can be reached, although this page may not read its answers: every page may load the script. */
  isReachable() {
    return fetch(this.#url("../chat-window.js"), { mode: "no-cors" }).then(Boolean, () => false);
  }

  /**
   * Returns the error for a response that isn't what was asked for. One without a code of AL-Chat comes from a proxy or
   * another server. A proxy that doesn't reach AL-Chat (502, 503) may do so soon.
   */
  async errorFrom(/** @type {Response} */ response) {
    const body = response.ok ? undefined : await response.json().catch(() => {});
    const strings = this.#host.strings();
    if (typeof body?.code === "string") return failureFrom(body, strings, response);
    const failure = foreignFailure(response, strings);
    return response.status > 501 ? new ConnectionLost(failure) : new TurnFailed(failure);
  }

  /** Returns the JSON of a response. */
  async jsonFrom(/** @type {Response} */ response) {
    if (!isOfType(response, JSON_TYPE)) throw await this.errorFrom(response);
    return response.json().catch(throwConnectionLost);
  }

  /** Posts JSON to a path. */
  post(/** @type {string} */ path, /** @type {object} */ content) {
    return this.fetch(path, posted(content));
  }

  /**
   * Posts JSON to a path with what names the session and, at a site, the visitor. Returns the JSON of the response.
   * @param {Pick<Turn, "session">} turn
   * @param {string} path
   * @param {object} content
   */
  async postFor(turn, path, content) {
    return this.jsonFrom(await this.#fetchFor(turn, path, posted(content)));
  }

  /**
   * Starts a session; without an id if the visitor can start no more of them for now.
   * @returns {Promise<{ session_id?: string, handover?: boolean }>}
   */
  async startSession() {
    const response = await this.fetch("session/start", { method: "POST" });
    return response.status === 429 ? {} : this.jsonFrom(response);
  }

  /**
   * Sends a request for a turn, with what names its session and, at a site, its visitor. If the server refuses the
   * visitor's ticket, it is sent again with another one.
   * @param {Pick<Turn, "session">} turn
   * @param {string} path
   * @param {RequestInit & { headers?: Record<string, string> }} options
   */
  async #fetchFor({ session }, path, options) {
    const site = this.#host.attribute("site");
    const send = async () => {
      const own = session && { "X-Session-ID": session };
      const headers = { ...options.headers, ...own, ...(site && (await ticketHeader(this, site))) };
      return this.fetch(path, { ...options, headers });
    };
    const response = await send();
    return site && (await isTicketRefused(this, site, response)) ? send() : response;
  }

  /**
   * Stops a session while the page is being left. A text is sent as `text/plain`, which needs no CORS preflight: there
   * is no time for one.
   * @param {string} id
   * @param {Record<string, number>} metrics
   */
  stopSession(id, metrics) {
    navigator.sendBeacon(this.#url("session/stop"), JSON.stringify({ session_id: id, metrics }));
  }

  /**
   * Sends a turn's question.
   * @param {Turn} turn
   * @param {object[]} history
   * @param {AbortSignal} signal
   */
  ask(turn, history, signal) {
    const isPortal = this.#host.isPortal();
    const { text: message, files, key, options } = turn;
    const further = !isPortal && { history, attached_files: files, isGuest: !options?.username, ...options };
    const body = JSON.stringify({ message, stream: true, ...further });
    const headers = { "Content-Type": JSON_TYPE, ...(key && { "Idempotency-Key": key }) };
    return this.#fetchFor(turn, isPortal ? "../chat" : "chat", { method: "POST", headers, body, signal }).catch((error) => {
      if (error instanceof ConnectionLost) error.isLarge = body.length > LARGE && !signal.aborted;
      throw error;
    });
  }

  /**
   * Requests the events of a running turn after the last one received.
   * @param {Turn} turn
   * @param {AbortSignal} signal
   */
  resume(turn, signal) {
    const headers = { "Last-Event-ID": String(turn.seen ?? 0) };
    return this.#fetchFor(turn, `chat/${turn.requestId}/events`, { headers, signal });
  }

  /** Stops a turn. If this fails, the server stops the turn once nobody has read it for a while. */
  stop(/** @type {Turn} */ turn) {
    return this.#fetchFor(turn, `chat/${turn.requestId}/stop`, { method: "POST", keepalive: true }).catch(() => {});
  }
}
