import { tree } from "./tree.js";
/** @import { Parser } from "./markdown-blocks.js" */

// Formulas in LaTeX. Their source is shown as it is: a renderer would be many times larger than the chat window.

/**
 * The end of a formula for each beginning.
 * @type {Record<string, string>}
 */
export const FORMULA_ENDS = { "\\(": "\\)", "\\[": "\\]", $$: "$$", $: "$" };

/** Longest formula in a line, in characters. */
const MAX_LENGTH = 2000;

/** Most lines of a displayed formula. */
const MAX_LINES = 100;

const MARK_OF_FORMULA = /[\\^_=+*/<>|]|^\p{L}{0,2}[\d.,']*$/u;
const TWO_WORDS = /\p{L}{2,50}\s+\p{L}{2}/u;

/**
 * Returns the position where the formula's end begins that follows its start; -1 if this is no formula.
 * @param {string} text
 * @param {string} start
 * @param {number} at
 */
export function formulaEnd(text, start, at) {
  const from = at + start.length;
  const mark = FORMULA_ENDS[start];
  const source = text.slice(from, from + MAX_LENGTH).split(mark, 1)[0];
  const end = from + source.length;
  const around = (text[at - 1] ?? " ") + (text[end + mark.length] ?? " ");
  // In `a\[0\]` and `\[a\](b)` the brackets are escaped.
  if (!text.startsWith(mark, end) || (start === "\\[" && /^\w|[([:]$/.test(around))) return -1;
  return start === "$" && (/[\w$]/.test(around) || !isBetweenDollars(source)) ? -1 : end;
}

/**
 * Returns whether a text between two dollar signs is surely a formula, not the text between two prices.
 * @param {string} text
 */
function isBetweenDollars(text) {
  if (!text || text.trim() !== text) return false;
  return text.includes("\\") || (MARK_OF_FORMULA.test(text) && !TWO_WORDS.test(text));
}

/**
 * Parses a displayed formula. Nothing but the formula is in its lines.
 * @type {Parser}
 */
export function displayedFormula(lines, at, { isPartial }) {
  const start = /^\s*(\\\[|\$\$)/.exec(lines[at])?.[1];
  if (!start) return undefined;
  const text = lines.slice(at, at + MAX_LINES).join("\n").trimStart();
  let end = text.indexOf(FORMULA_ENDS[start], 2);
  if (end < 0 && isPartial && at + MAX_LINES >= lines.length) end = text.length;
  const source = text.slice(2, end).trim();
  const rest = text.slice(end + 2).split("\n", 1)[0].trim();
  if (end < 0 || !source || !/^[.,;:]?$/.test(rest)) return undefined;
  return [tree("pre", { class: "math", dir: "ltr" }, source + rest), at + text.slice(0, end).split("\n").length];
}
