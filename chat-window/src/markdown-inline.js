import { CHARACTER_REFERENCE, characterOf } from "./character-references.js";
import { FORMULA_ENDS, formulaEnd } from "./formulas.js";
import { bareLink, link, parseTarget, withoutSentence } from "./markdown-links.js";
import { joinTexts, tree } from "./tree.js";
/** @import { Tree } from "./tree.js" */
/** @import { Context } from "./markdown-blocks.js" */

// The inline part of Markdown: emphasis, code, formulas, links, line breaks and character references.
//
// A model's output is untrusted. Only the elements made here can appear, the time is linear in the length of the text,
// and nesting is limited. A text is partial while more of it may come: whatever has begun in it is shown as if it were
// complete, so that marks don't appear for a moment while the answer is written.

/** Deepest nesting of blocks, and half the number of inline marks that can be open at once. */
export const MAX_NESTING = 12;

const TOKEN = new RegExp(
  [
    // A backslash with the character it escapes.
    /\\[!-/:-@[-`{-~\n]/,
    /\$\$?|`+|\*+|_+|~~|!?\[|\]|\n/,
    /<(?:(?:https?:\/\/|mailto:)[^\s<>]{1,2000}|br ?\/?)>/,
    /(?<!\w)https?:\/\/[^\s<>\]`"]{1,2000}/,
    CHARACTER_REFERENCE,
  ]
    .map(({ source }) => source)
    .join("|"),
  "gi",
);

/**
 * The element for each mark that has an end.
 * @type {Record<string, string>}
 */
const ELEMENTS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };

/**
 * An opening mark, and what follows it. They become an element when the mark is closed, and part of what is around them
 * otherwise.
 * @typedef {{ mark: string, at: number, children: Tree[] }} Opener
 */

/**
 * Handles a token at a position. Returns the position after it if that isn't the token's end.
 * @typedef {(token: string, at: number) => number | void} Handler
 */

/** @param {Opener} opener */
const isBracket = ({ mark }) => mark.endsWith("[");

/**
 * Parses the text of one block.
 * @param {string} text
 * @param {Context} context
 */
export function parseInline(text, { isPartial, target }) {
  /**
   * The block, and the marks that are open in it, the innermost last.
   * @type {Opener[]}
   */
  const openers = [{ mark: "", at: 0, children: [] }];
  /** The runs of backticks that have no end in the rest of the text. */
  const unclosed = new Set();

  const add = (/** @type {Tree} */ part) => void openers[openers.length - 1].children.push(part);
  const isNearEnd = (/** @type {number} */ at) => isPartial && text.length - at < 400;

  const remove = (/** @type {Opener} */ opener) => {
    const index = openers.indexOf(opener);
    openers.splice(index, 1);
    for (const part of [opener.mark, ...opener.children]) openers[index - 1].children.push(part);
  };

  /** @type {(mark: string, at: number) => void} */
  const open = (mark, at) => {
    if (openers.push({ mark, at, children: [] }) > 2 * MAX_NESTING) remove(openers[1]);
  };

  /** Closes a mark. Returns what is between it and here. */
  const close = (/** @type {Opener} */ opener) => {
    for (const inner of openers.slice(openers.indexOf(opener) + 1)) remove(inner);
    openers.pop();
    return opener.children;
  };

  /** @type {Handler} */
  const emphasis = (run, at) => {
    const before = text[at - 1] ?? " ";
    const after = text[at + run.length] ?? (isPartial ? "." : " ");
    const isInWord = (/** @type {string} */ next) => run[0] === "_" && /[\p{L}\p{N}]/u.test(next);
    let left = run.length;
    while (left < 4 && /\S/.test(before) && !isInWord(after)) {
      const opener = openers.findLast(({ mark }) => mark[0] === run[0]);
      if (!opener || opener.mark.length > left) break;
      left -= opener.mark.length;
      add(tree(ELEMENTS[opener.mark], {}, ...close(opener)));
    }
    if (left > 3 || /\s/.test(after) || isInWord(before)) return add(run.slice(0, left));
    if (left > 1) open(run[0].repeat(2), at);
    if (left % 2) open(run[0], at);
  };

  /** @type {Handler} */
  const closeBracket = (_, at) => {
    const opener = openers.findLast(isBracket);
    if (!opener) return add("]");
    const rest = text.slice(at + 1, at + 2100);
    const isGrowing = isNearEnd(at) && /^(\([^)\n]*)?$/.test(rest);
    const found = isGrowing ? { url: "", length: rest.length } : parseTarget(rest);
    if (!found) {
      remove(opener);
      return add("]");
    }
    // An image is shown as a link to it. A link without a description shows its URL.
    if (!text.slice(opener.at + opener.mark.length, at).trim()) add(found.url);
    add(link(found.url, target, close(opener).map(withoutLinks)));
    if (opener.mark === "[") openers.filter(isBracket).forEach(remove);
    return at + 1 + found.length;
  };

  /**
   * Shows what is between two marks as code. One without an end may get it later.
   * @type {(mark: string, at: number, end: number, attributes?: Record<string, string>) => number | void}
   */
  const verbatim = (mark, at, end, attributes) => {
    if (end < 0 && mark !== "$" && isNearEnd(at)) end = text.length;
    if (end < 0) return add(mark.replace("\\", ""));
    add(tree("code", { dir: "ltr", ...attributes }, text.slice(at + mark.length, end).trim()));
    return end + mark.length;
  };

  /** @type {Handler} */
  const code = (ticks, at) => {
    const from = at + ticks.length;
    const end = unclosed.has(ticks) ? -1 : text.slice(from).search(RegExp(`(?<!\`)${ticks}(?!\`)`));
    if (end < 0) unclosed.add(ticks);
    return verbatim(ticks, at, end < 0 ? end : from + end);
  };

  /** @type {Handler} */
  const formula = (start, at) => verbatim(start, at, formulaEnd(text, start, at), { class: "math" });

  /** @type {Handler} */
  const url = (token, at) => {
    const written = withoutSentence(token);
    add(bareLink(written, target));
    return at + written.length;
  };

  /**
   * What is done with a token, by its first character; one of another character is a URL.
   * @type {Record<string, Handler>}
   */
  const handlers = {
    "\\": (token, at) => (token in FORMULA_ENDS ? formula(token, at) : add(token[1] === "\n" ? tree("br") : token[1])),
    $: formula,
    "`": code,
    "*": emphasis,
    _: emphasis,
    "~": emphasis,
    "!": open,
    "[": open,
    "]": closeBracket,
    "<": (token) => add(token.includes(":") ? bareLink(token.slice(1, -1), target) : tree("br")),
    "&": (token) => add(characterOf(token)),
    "\n": () => add(tree("br")),
  };

  let at = 0;
  for (let found; (TOKEN.lastIndex = at), (found = TOKEN.exec(text)); ) {
    const [token] = found;
    add(text.slice(at, found.index));
    at = (handlers[token[0]] ?? url)(token, found.index) ?? found.index + token.length;
  }
  add(text.slice(at));
  for (const opener of openers.slice(1).reverse()) {
    if (isNearEnd(opener.at)) add(tree(ELEMENTS[opener.mark] ?? "span", {}, ...close(opener)));
    else remove(opener);
  }
  return joinTexts(openers[0].children);
}

/**
 * Describes the same without links: they don't nest.
 * @param {Tree} child
 * @returns {Tree}
 */
function withoutLinks(child) {
  if (typeof child === "string") return child;
  const children = child.children.map(withoutLinks);
  return child.name === "a" ? tree("span", {}, ...children) : { ...child, children };
}
