import { fill } from "./strings.js";
/** @import { Strings } from "../../web/chat-window.js" */
/** @import { Failure } from "./turn.js" */

/**
 * The connection broke or could not be made. The turn may still be running at the server. `failure` is shown if further
 * tries fail, too; `isLarge`: the request may have been too large.
 */
export class ConnectionLost extends Error {
  /** @param {{ failure?: Failure, isLarge?: boolean }} [details] */
  constructor({ failure, isLarge = false } = {}) {
    super();
    this.failure = failure;
    this.isLarge = isLarge;
  }
}

/** A turn ended without an answer. The property `failure` is described at `failureFrom`. */
export class TurnFailed extends Error {
  constructor(failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Throws `ConnectionLost`; the `catch` of promises that fail when a connection does. */
export function throwConnectionLost() {
  throw new ConnectionLost();
}

/**
 * Returns a `TurnFailed` for an error body of AL-Chat. Within a stream there is neither a status nor a header.
 *
 * The failure has `message` (for the visitor), `code`, `status`, `requestId`, `retryAfter` (in seconds) and
 * `needsNewKey`: whether asking again needs a new idempotency key. A question that was refused cost nothing, so its key
 * can be used again. One that may have cost something cannot be asked again with its key.
 */
export function failureFrom(body, strings, status, retryAfterHeader) {
  const { error = "", code, request_id: requestId, details } = body;
  const isInterrupted = /^(turn_interrupted|idempotency_key_reused|client_gone)$/.test(code);
  const needsNewKey = isInterrupted || !status || (code && status >= 500 && status !== 503);
  const sentence = isInterrupted ? strings.interrupted : error.replace(/[^.!?]$/, "$&.") || strings.failed;
  const message = strings.errors[code] ?? sentence;
  const retryAfter = secondsOf(retryAfterHeader) || Number(details?.retry_after_seconds) || 0;
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
 * @param {boolean} hasFiles
 * @returns {Failure}
 */
export function foreignFailure({ status, ok, headers }, strings, hasFiles) {
  let message = status >= 500 ? strings.unavailable : strings.refused;
  if (ok) message = strings.noChat;
  else if (status === 413) message = hasFiles ? strings.filesTooLarge : strings.questionTooLarge;
  else if (status === 404 || status === 405) message = strings.notFound;
  else if (status === 429) message = strings.tooMany;
  const retryAfter = secondsOf(headers.get("retry-after"));
  return { message: fill(message, { status }), status: ok ? undefined : status, retryAfter, isLost: true };
}
