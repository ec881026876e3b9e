/** The connection broke or could not be made. The turn may still be running at the server. */
export class ConnectionLost extends Error {}

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
  const retryAfter = Number(retryAfterHeader ?? details?.retry_after_seconds) || 0;
  return new TurnFailed({ message, code, status, requestId, retryAfter, needsNewKey });
}
