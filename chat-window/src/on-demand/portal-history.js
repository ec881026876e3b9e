/** @import { Turn } from "../turn.js" */

import { sourcesOf } from "../restore.js";

/**
 * Returns the portal's conversation after the server's messages arrived; undefined if nothing changed. The latest turn
 * may be known to this window alone: one that failed, or has no answer yet.
 *
 * @param {Turn[]} turns
 * @param {{ role: string, content: string, sources?: unknown }[]} messages
 */
export function mergeHistory(turns, messages) {
  /** @type {Turn[]} */
  const stored = [];
  for (const { role, content, sources } of messages) {
    if (role === "user") stored.push({ text: content, files: [], answer: "", status: "done" });
    else if (stored.length) Object.assign(stored[stored.length - 1], { answer: content, sources: sourcesOf(sources) });
  }
  const unstored = turns.slice(-1).filter(({ status, answer }) => status === "failed" || !answer);
  const shown = turns.slice(0, turns.length - unstored.length);
  // A turn whose connection was lost may have been answered nevertheless.
  if (stored.length > shown.length && stored[stored.length - 1].text === unstored[0]?.text.trim()) unstored.pop();
  const contents = (/** @type {Turn[]} */ turns) => JSON.stringify(turns.map(({ text, answer }) => [text.trim(), answer]));
  return contents(stored) === contents(shown) ? undefined : [...stored, ...unstored];
}
