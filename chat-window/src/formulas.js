import { tree } from "./tree.js";

// Formulas in LaTeX. Their source is shown as it is: a renderer would be many times larger than the chat window.

/**
 * The end of a formula for each beginning.
 * @type {Record<string, string>}
 */
export const FORMULA_ENDS = { "\\(": "\\)", "\\[": "\\]", $$: "$$", $: "$" };

/** The beginning of a displayed formula, in a line of its own. */
export const DISPLAYED_FORMULA = /^\s*(\\\[|\$\$|\\begin\{[a-z]+\*?\})/;

/** Most lines of a displayed formula. */
const MAX_LINES = 100;

const MARK_OF_FORMULA = /[\\^_=+*/<>|]|^\p{L}{0,2}[\d.,']*$/u;
const TWO_WORDS = /\p{L}{2,50}\s+\p{L}{2}/u;

/**
 * Returns whether a text between two dollar signs is surely a formula, not the text between two prices.
 * @param {string} text
 * @param {string} before the character before the first sign
 * @param {string} after the character after the second sign
 */
export function isBetweenDollars(text, before, after) {
  if (!text || text.trim() !== text || /[\w$]/.test(before + after)) return false;
  return text.includes("\\") || (MARK_OF_FORMULA.test(text) && !TWO_WORDS.test(text));
}

/** @param {string} source */
export const inlineFormula = (source) => tree("code", { class: "math", dir: "ltr" }, source.trim());

/**
 * Returns the source of the displayed formula that begins at a line, and the index of the line after it; undefined if
 * none begins there. Nothing but the formula is in its lines.
 * @param {string[]} lines
 * @param {number} at
 * @param {boolean} isPartial
 */
export function displayedFormula(lines, at, isPartial) {
  const start = DISPLAYED_FORMULA.exec(lines[at])?.[1];
  if (!start) return undefined;
  const end = FORMULA_ENDS[start] ?? start.replace("begin", "end");
  // An environment's name says what its source means.
  const skipped = FORMULA_ENDS[start] ? start.length : 0;
  const text = lines.slice(at, at + MAX_LINES).join("\n").trimStart();
  const found = text.indexOf(end, start.length);
  if (found < 0) {
    const isGrowing = isPartial && at + MAX_LINES >= lines.length;
    return isGrowing ? { source: text.slice(skipped), next: lines.length } : undefined;
  }
  const after = found + end.length;
  const rest = text.slice(after).split("\n", 1)[0].trim();
  const source = text.slice(skipped, skipped ? found : after);
  if (!source.trim() || !/^[.,;:]?$/.test(rest)) return undefined;
  return { source: source.trim() + rest, next: at + text.slice(0, after).split("\n").length };
}
