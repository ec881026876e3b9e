import { fill } from "./strings.js";
/** @import { Strings } from "../../web/chat-window.js" */
/** @import { Failure } from "./turn.js" */

/**
 * An error of AL-Chat; see the contract.
 * @typedef {{ code: string, error?: string, request_id?: string, details?: { retry_after_seconds?: number } }} ErrorBody
 */

/** The connection broke or could not be made. The turn may still be running at the server. */
export class ConnectionLost extends Error {
  /** Whether the request may have been too large. */
  isLarge = false;

  /** @param {Failure} [failure] what is shown if further tries fail, too */
  constructor(failure) {
    super();
    this.failure = failure;
  }
}

/** A turn ended without an answer. The property `failure` is described at `failureFrom`. */
export class TurnFailed extends Error {
  constructor(/** @type {Failure} */ failure) {
    super();
    this.failure = failure;
  }
}

/**
 * Throws `ConnectionLost`; the `catch` of promises that fail when a connection does.
 * @returns {never}
 */
export function throwConnectionLost() {
  throw new ConnectionLost();
}

/**
 * Returns a `TurnFailed` for an error body of AL-Chat. Within a stream there is no response.
 *
 * The failure has `message` (for the visitor), `code`, `status`, `requestId`, `retryAfter` (in seconds) and
 * `needsNewKey`: whether asking again needs a new idempotency key. A question that was refused cost nothing, so its key
 * can be used again. One that may have cost something cannot be asked again with its key.
 * @param {ErrorBody} body
 * @param {Strings} strings
 * @param {Response} [response]
 */
export function failureFrom(body, strings, response) {
  const status = response?.status;
  const { error = "", code, request_id: requestId, details } = body;
  const isInterrupted = /^(turn_interrupted|idempotency_key_reused|client_gone)$/.test(code);
  const needsNewKey = isInterrupted || !status || (status >= 500 && status !== 503);
  const sentence = isInterrupted ? strings.interrupted : error.replace(/[^.!?]$/, "$&.") || strings.failed;
  const message = strings.errors[code] ?? sentence;
  const retryAfter = secondsOf(response?.headers.get("retry-after")) || Number(details?.retry_after_seconds) || 0;
  return new TurnFailed({ message, code, status, requestId, retryAfter, needsNewKey });
}

/** Returns the seconds of a `Retry-After` header, which has a number or a date. */
const secondsOf = (/** @type {string | null | undefined} */ header) =>
  Math.max(0, header ? Number(header) || Math.ceil((Date.parse(header) - Date.now()) / 1000) || 0 : 0);

/**
 * Returns the failure for a response without a code of AL-Chat: one of a proxy, or of another server at the address. The
 * turn may be running nevertheless.
 * @param {Response} response
 * @param {Strings} strings
 * @returns {Failure}
 */
export function foreignFailure({ status, ok, headers }, strings) {
  const message = status === 413 ? strings.tooLarge : fill(strings.noChat, { status });
  return { message, status: ok ? undefined : status, retryAfter: secondsOf(headers.get("retry-after")), isLost: true };
}
