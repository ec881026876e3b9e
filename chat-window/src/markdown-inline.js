import { CHARACTER_REFERENCE, characterOf } from "./character-references.js";
import { CodeSpans } from "./code-spans.js";
import { FORMULA_ENDS, inlineFormula, isBetweenDollars } from "./formulas.js";
import { bareLink, link, parseTarget, withoutSentence } from "./markdown-links.js";
import { joinTexts, seenText, tree } from "./tree.js";
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

/** The handler of a token is that of its first character in `HANDLERS`; one of another character is a URL. */
const TOKEN = new RegExp(
  [
    // A backslash with the character it escapes.
    /\\[!-/:-@[-`{-~\n]/,
    /\$\$?|`+|\*+|_+|~~|!?\[|\]|\n/,
    /<(?:(?:https?:\/\/|mailto:)[^\s<>]{1,2000}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,9}|br ?\/|\/?[a-z]{1,6})>/,
    /(?<!\w)(?:https?:\/\/|www\.(?=\w))[^\s<>\]`"]{1,2000}/,
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
for (const name of ["b", "i", "u", "s", "em", "strong", "del", "ins", "sub", "sup", "kbd", "mark"]) {
  ELEMENTS[`<${name}>`] = name;
}

/** @typedef {(this: InlineParser, token: string, at: number) => number | void} Handler */

/**
 * What is done with a token at a position, by its first character. Returns the position after it if that isn't the
 * token's end.
 * @type {Record<string, Handler>}
 */
const HANDLERS = {
  "\\"(token, at) {
    if (token === "\\\n") this.add(tree("br"));
    else if (token in FORMULA_ENDS) return this.formula(token, at);
    else this.add(token[1]);
  },
  $(token, at) {
    return this.formula(token, at);
  },
  "`"(token, at) {
    return this.code(token, at);
  },
  "*"(token, at) {
    this.emphasis(token, at);
  },
  "!"(token, at) {
    this.open(token, at);
  },
  "]"(_, at) {
    return this.closeBracket(at);
  },
  "<"(token, at) {
    this.tag(token, at);
  },
  "&"(token) {
    this.add(characterOf(token));
  },
  "\n"() {
    this.add(tree("br"));
  },
};
Object.assign(HANDLERS, { _: HANDLERS["*"], "~": HANDLERS["*"], "[": HANDLERS["!"] });

/**
 * An opening mark. It becomes an element when it is closed, and stays text otherwise.
 * @typedef {{ mark: string, at: number, element?: TreeElement }} Opener
 */

/** @param {Opener} opener */
const isBracket = ({ mark }) => mark.endsWith("[");

class InlineParser {
  #text;
  #context;
  /**
   * Texts, elements and opening marks in order. For each closed mark there is one `null` at its end.
   * @type {(Tree | Opener | null)[]}
   */
  #parts = [];
  /** @type {Opener[]} */
  #openers = [];
  /** @type {CodeSpans | undefined} */
  #codeSpans;

  /**
   * @param {string} text
   * @param {Context} context
   */
  constructor(text, context) {
    this.#text = text;
    this.#context = context;
  }

  parse() {
    let at = 0;
    for (let found; (TOKEN.lastIndex = at), (found = TOKEN.exec(this.#text)); ) {
      const [token] = found;
      this.add(this.#text.slice(at, found.index));
      const handler = HANDLERS[token[0]] ?? this.url;
      at = handler.call(this, token, found.index) ?? found.index + token.length;
    }
    this.add(this.#text.slice(at));
    for (const opener of this.#openers) {
      if (this.#isNearEnd(opener.at)) opener.element = tree(ELEMENTS[opener.mark] ?? "span");
    }
    return assemble(this.#parts);
  }

  /** @param {number} at */
  #isNearEnd(at) {
    return this.#context.isPartial && this.#text.length - at < 400;
  }

  /** @param {Tree} part */
  add(part) {
    this.#parts.push(part);
  }

  /**
   * @param {string} mark
   * @param {number} at
   */
  open(mark, at) {
    const opener = { mark, at };
    this.#parts.push(opener);
    if (this.#openers.push(opener) > 2 * MAX_NESTING) this.#openers.shift();
  }

  /**
   * @param {Opener} opener
   * @param {TreeElement} element
   */
  #close(opener, element) {
    this.#openers.length = this.#openers.indexOf(opener);
    opener.element = element;
    this.#parts.push(null);
  }

  /**
   * @param {string} run
   * @param {number} at
   */
  emphasis(run, at) {
    const before = this.#text[at - 1] ?? " ";
    const after = this.#text[at + run.length] ?? (this.#context.isPartial ? "." : " ");
    const isInWord = (/** @type {string} */ next) => run[0] === "_" && /[\p{L}\p{N}]/u.test(next);
    let left = run.length;
    while (left < 4 && /\S/.test(before) && !isInWord(after)) {
      const opener = this.#openers.findLast(({ mark }) => mark[0] === run[0]);
      if (!opener || opener.mark.length > left) break;
      left -= opener.mark.length;
      this.#close(opener, tree(ELEMENTS[opener.mark]));
    }
    if (left > 3 || /\s/.test(after) || isInWord(before)) return this.add(run.slice(0, left));
    if (left > 1) this.open(run[0].repeat(2), at);
    if (left % 2) this.open(run[0], at);
  }

  /** @param {number} at */
  closeBracket(at) {
    const opener = this.#openers.findLast(isBracket);
    const found = opener && this.#targetAfter(at);
    if (!opener || !found) {
      this.#openers = this.#openers.filter((other) => other !== opener);
      return this.add("]");
    }
    // Links don't nest. An image is shown as a link to it; within a link, as its description.
    const isInLink = opener.mark !== "[" && this.#openers.some(({ mark }) => mark === "[");
    this.#close(opener, isInLink ? tree("span") : link(found.url, this.#context.target));
    if (opener.mark === "[") this.#openers = this.#openers.filter((other) => !isBracket(other));
    return at + 1 + found.length;
  }

  /**
   * Returns the URL that follows a closing bracket in parentheses.
   * @param {number} at
   */
  #targetAfter(at) {
    const rest = this.#text.slice(at + 1, at + 2100);
    const isGrowing = this.#isNearEnd(at) && /^(\([^)\n]*)?$/.test(rest);
    return isGrowing ? { url: "", length: rest.length } : parseTarget(rest);
  }

  /**
   * @param {string} ticks
   * @param {number} at
   */
  code(ticks, at) {
    const from = at + ticks.length;
    this.#codeSpans ??= new CodeSpans(this.#text);
    let end = this.#codeSpans.endOf(ticks.length, from);
    if (end < 0 && this.#isNearEnd(at)) end = this.#text.length;
    if (end < 0) return this.add(ticks);
    const code = this.#text.slice(from, end);
    const isPadded = code.startsWith(" ") && code.endsWith(" ") && code.trim();
    this.add(tree("code", { dir: "ltr" }, isPadded ? code.slice(1, -1) : code));
    return end + ticks.length;
  }

  /**
   * @param {string} start
   * @param {number} at
   */
  formula(start, at) {
    const from = at + start.length;
    const end = this.#formulaEnd(start, at);
    const isGrowing = end < 0 && start !== "$" && this.#isNearEnd(at);
    if (end < 0 && !isGrowing) return this.add(start.replace("\\", ""));
    this.add(inlineFormula(this.#text.slice(from, isGrowing ? undefined : end)));
    return isGrowing ? this.#text.length : end + start.length;
  }

  /**
   * Returns the position where the formula's end begins that follows its start; -1 if this is no formula.
   * @param {string} start
   * @param {number} at
   */
  #formulaEnd(start, at) {
    const text = this.#text;
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
   * @param {string} token
   * @param {number} at
   */
  tag(token, at) {
    const name = token.slice(1, -1).toLowerCase();
    if (/[:@]/.test(token)) this.add(bareLink(token.slice(1, -1), this.#context.target));
    else if (/^br( ?\/)?$/.test(name)) this.add(tree("br"));
    else if (ELEMENTS[`<${name}>`]) this.open(`<${name}>`, at);
    else {
      const opener = this.#openers.findLast(({ mark }) => mark === `<${name.slice(1)}>`);
      if (opener && name[0] === "/") this.#close(opener, tree(ELEMENTS[opener.mark]));
      else this.add(token);
    }
  }

  /**
   * @param {string} token
   * @param {number} at
   */
  url(token, at) {
    const url = withoutSentence(token);
    this.add(bareLink(url, this.#context.target));
    return at + url.length;
  }
}

/**
 * Parses the text of one block.
 * @param {string} text
 * @param {Context} context
 */
export const parseInline = (text, context) => new InlineParser(text, context).parse();

/**
 * Nests the parsed parts by their opening marks and ends.
 * @param {(Tree | Opener | null)[]} parts
 */
function assemble(parts) {
  const root = tree("root");
  const path = [root];
  const end = () => {
    const closed = path.pop();
    if (closed) path[path.length - 1].children.push(complete(closed));
  };
  for (const part of parts) {
    if (part === null) end();
    else if (typeof part === "string" || "name" in part) path[path.length - 1].children.push(part);
    else if (part.element) path.push({ ...part.element, children: [] });
    else path[path.length - 1].children.push(part.mark);
  }
  while (path.length > 1) end();
  return joinTexts(root.children);
}

/**
 * Describes an element with its final children. Links don't nest, and an image without a description shows its URL.
 * @param {TreeElement} element
 */
function complete({ name, attributes, children }) {
  if (name !== "a") return tree(name, attributes, ...children);
  const described = seenText(children).trim() ? children.map(withoutLinks) : [String(attributes.href)];
  return tree(name, attributes, ...described);
}

/**
 * @param {Tree} child
 * @returns {Tree}
 */
function withoutLinks(child) {
  if (typeof child === "string") return child;
  const children = child.children.map(withoutLinks);
  return child.name === "a" ? tree("span", {}, ...children) : tree(child.name, child.attributes, ...children);
}
