// Requests to the server. The operator's token is only here, in the memory of this tab.

/** A response that is an error of the server, or no response at all (status 0). */
export class ServerError extends Error {
  /**
   * @param {number} status
   * @param {string} sentence
   * @param {number} [retryAfter] seconds to wait
   */
  constructor(status, sentence, retryAfter = 0) {
    super(sentence);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether the server wants the operator's token, or another one. */
  get needsToken() {
    return this.status === 401;
  }
}

const UNREACHABLE = "The server cannot be reached. Check that AL-Chat runs and that this computer has a connection.";

let token = "";

/** Sets the token of the requests that follow; an empty one is not sent. */
export const setToken = (/** @type {string} */ text) => (token = text);

export const hasToken = () => token !== "";

/** The error of a response that is not successful. */
async function errorOf(/** @type {Response} */ response) {
  const body = await response.json().catch(() => ({}));
  const sentence = typeof body.error === "string" ? body.error : `The server answered with status ${response.status}.`;
  return new ServerError(response.status, sentence, Number(response.headers.get("retry-after")) || 0);
}

/**
 * Makes a request to a path below `api/admin/`, and returns its response if that is successful.
 * @param {string} path
 * @param {RequestInit} [options]
 */
export async function request(path, options = {}) {
  /** @type {Record<string, string>} */
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const all = /** @type {const} */ ({ cache: "no-store", credentials: "omit", ...options, headers });
  const response = await fetch(`api/admin/${path}`, all).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new ServerError(0, UNREACHABLE);
  });
  if (!response.ok) throw await errorOf(response);
  return response;
}

/**
 * Returns the JSON of a path below `api/admin/`.
 * @param {string} path
 * @param {RequestInit} [options]
 */
export async function json(path, options) {
  const response = await request(path, options);
  return response.json().catch(() => {
    throw new ServerError(0, UNREACHABLE);
  });
}
