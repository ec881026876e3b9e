/**
 * Returns what a function returns, and null if it throws.
 *
 * @template Result
 * @param {() => Result} act
 */
export function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}

/** Parses JSON; returns null for anything else. */
export const parseJson = (/** @type {string | null} */ text) => attempt(() => JSON.parse(text ?? "null"));
