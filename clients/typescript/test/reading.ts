import type { Turn } from "../src/index.js";

/** What the fake model says to a question of these words, in which some programs see ends of lines. */
export const WORDS = "one \u2028 two \u0085 three \r four ü five 😀 six";

/** Reads a turn to its end: the names of its events, each once, and the pieces put together. */
export async function read(turn: Turn) {
  const names: string[] = [];
  let text = "";
  for await (const event of turn) {
    if (names.at(-1) !== event.event) names.push(event.event);
    if (event.event === "delta") text += event.data.content;
  }
  return { names, text };
}
