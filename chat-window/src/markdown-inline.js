import { CHARACTER_REFERENCE, characterOf } from "./character-references.js";
import { codeEnds } from "./code-spans.js";
import { FORMULA_ENDS, inlineFormula, isBetweenDollars } from "./formulas.js";
import { bareLink, link, parseTarget, withoutSentence } from "./markdown-links.js";
import { joinTexts, tree } from "./tree.js";
/** @import { Tree, TreeElement } from "./tree.js" */
/** @import { Context } from "./markdown-blocks.js" */

// The inline part of Markdown: emphasis, code, formulas, links, line breaks, character references and a few HTML tags.
//
// A model's output is untrusted. Only the elements made here can appear, the time is linear in the length of the text,
// and nesting is limited. A text is partial while more of it may come: whatever has begun in it is shown as if it were
// complete, so that marks don't appear for a moment while the answer is written.

/** Deepest nesting of blocks, and half the number of inline marks that can be open at once. */
export const MAX_NESTING = 12;

/** Longest formula in a line, in characters. */
const MAX_FORMULA = 2000;

const TOKEN = new RegExp(
  [
    // A backslash with the character it escapes.
    /\\[!-/:-@[-`{-~\n]/,
    /\$\$?|`+|\*+|_+|~~|!?\[|\]|\n/,
    /<(?:(?:https?:\/\/|mailto:)[^\s<>]{1,2000}|br ?\/|\/?[a-z]{1,3})>/,
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
for (const name of ["b", "i", "sub", "sup", "kbd"]) {
  ELEMENTS[`<${name}>`] = name;
}

/**
 * An opening mark. It becomes an element when it is closed, and stays text otherwise.
 * @typedef {{ mark: string, at: number, element?: TreeElement }} Opener
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
   * Texts, elements and opening marks in order. For each closed mark there is one `null` at its end.
   * @type {(Tree | Opener | null)[]}
   */
  const parts = [];
  /** @type {Opener[]} */
  let openers = [];
  /** @type {ReturnType<typeof codeEnds> | undefined} */
  let codeEnd;

  const add = (/** @type {Tree} */ part) => void parts.push(part);
  const isNearEnd = (/** @type {number} */ at) => isPartial && text.length - at < 400;

  /** @type {(mark: string, at: number) => void} */
  const open = (mark, at) => {
    const opener = { mark, at };
    parts.push(opener);
    if (openers.push(opener) > 2 * MAX_NESTING) openers.shift();
  };

  /** @type {(opener: Opener, element: TreeElement) => void} */
  const close = (opener, element) => {
    openers.length = openers.indexOf(opener);
    opener.element = element;
    parts.push(null);
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
      close(opener, tree(ELEMENTS[opener.mark]));
    }
    if (left > 3 || /\s/.test(after) || isInWord(before)) return add(run.slice(0, left));
    if (left > 1) open(run[0].repeat(2), at);
    if (left % 2) open(run[0], at);
  };

  /**
   * Returns the URL that follows a closing bracket in parentheses.
   * @param {number} at
   */
  const targetAfter = (at) => {
    const rest = text.slice(at + 1, at + 2100);
    const isGrowing = isNearEnd(at) && /^(\([^)\n]*)?$/.test(rest);
    return isGrowing ? { url: "", length: rest.length } : parseTarget(rest);
  };

  /** @type {Handler} */
  const closeBracket = (_, at) => {
    const opener = openers.findLast(isBracket);
    const found = opener && targetAfter(at);
    if (!opener || !found) {
      openers = openers.filter((other) => other !== opener);
      return add("]");
    }
    // An image is shown as a link to it. A link without a description shows its URL.
    if (!text.slice(opener.at + opener.mark.length, at).trim()) add(found.url);
    close(opener, link(found.url, target));
    if (opener.mark === "[") openers = openers.filter((other) => !isBracket(other));
    return at + 1 + found.length;
  };

  /** @type {Handler} */
  const code = (ticks, at) => {
    const from = at + ticks.length;
    codeEnd ??= codeEnds(text);
    let end = codeEnd(ticks.length, from);
    if (end < 0 && isNearEnd(at)) end = text.length;
    if (end < 0) return add(ticks);
    const source = text.slice(from, end);
    const isPadded = source.startsWith(" ") && source.endsWith(" ") && source.trim();
    add(tree("code", { dir: "ltr" }, isPadded ? source.slice(1, -1) : source));
    return end + ticks.length;
  };

  /** @type {Handler} */
  const formula = (start, at) => {
    const from = at + start.length;
    const end = formulaEnd(text, start, at);
    const isGrowing = end < 0 && start !== "$" && isNearEnd(at);
    if (end < 0 && !isGrowing) return add(start.replace("\\", ""));
    add(inlineFormula(text.slice(from, isGrowing ? undefined : end)));
    return isGrowing ? text.length : end + start.length;
  };

  /** @type {Handler} */
  const tag = (token, at) => {
    const mark = token.toLowerCase();
    const opener = openers.findLast((other) => other.mark === mark.replace("/", ""));
    if (token.includes(":")) add(bareLink(token.slice(1, -1), target));
    else if (mark.startsWith("<br")) add(tree("br"));
    else if (ELEMENTS[mark]) open(mark, at);
    else if (opener && mark[1] === "/") close(opener, tree(ELEMENTS[opener.mark]));
    else add(token);
  };

  /** @type {Handler} */
  const url = (token, at) => {
    const written = withoutSentence(token);
    add(bareLink(written, target));
    return at + written.length;
  };

  /** @type {Handler} */
  const escape = (token, at) => {
    if (token in FORMULA_ENDS) return formula(token, at);
    add(token === "\\\n" ? tree("br") : token[1]);
  };

  /**
   * What is done with a token, by its first character; one of another character is a URL.
   * @type {Record<string, Handler>}
   */
  const handlers = {
    "\\": escape,
    $: formula,
    "`": code,
    "*": emphasis,
    _: emphasis,
    "~": emphasis,
    "!": open,
    "[": open,
    "]": closeBracket,
    "<": tag,
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
  for (const opener of openers) if (isNearEnd(opener.at)) opener.element = tree(ELEMENTS[opener.mark] ?? "span");
  return assemble(parts);
}

/**
 * Returns the position where the formula's end begins that follows its start; -1 if this is no formula.
 * @param {string} text
 * @param {string} start
 * @param {number} at
 */
function formulaEnd(text, start, at) {
  const from = at + start.length;
  const before = text[at - 1] ?? "";
  // In `a\[0\]` and `\[a\](b)` the brackets are escaped.
  if (start === "\\[" && /\w/.test(before)) return -1;
  const mark = FORMULA_ENDS[start];
  const length = text.slice(from, from + MAX_FORMULA).indexOf(mark);
  const end = from + length;
  const after = text[end + mark.length] ?? "";
  if (length < 0 || (start === "\\[" && /[([:]/.test(after))) return -1;
  return start === "$" && !isBetweenDollars(text.slice(from, end), before, after) ? -1 : end;
}

/**
 * Nests the parsed parts by their opening marks and ends. Links don't nest.
 * @param {(Tree | Opener | null)[]} parts
 */
function assemble(parts) {
  const path = [tree("root")];
  const end = () => {
    const { name, attributes, children } = /** @type {TreeElement} */ (path.pop());
    const isInLink = name === "a" && path.some((outer) => outer.name === "a");
    path[path.length - 1].children.push(isInLink ? tree("span", {}, ...children) : tree(name, attributes, ...children));
  };
  for (const part of parts) {
    const element = part && typeof part === "object" && ("name" in part ? part : part.element);
    if (element) path.push({ ...element, children: [...element.children] });
    else if (part) path[path.length - 1].children.push(typeof part === "string" ? part : /** @type {Opener} */ (part).mark);
    if (part === null || (part && element === part)) end();
  }
  while (path.length > 1) end();
  return joinTexts(path[0].children);
}
