import { displayedFormula } from "./formulas.js";
import { MAX_NESTING, parseInline } from "./markdown-inline.js";
import { ENDS_PARAGRAPH, fenceEnd, HEADING, indentOf, QUOTE, RULE } from "./markdown-lines.js";
import { list } from "./markdown-lists.js";
import { isTable, table } from "./markdown-tables.js";
import { directionOf } from "./text-direction.js";
import { tree } from "./tree.js";
/** @import { TreeElement } from "./tree.js" */

// The blocks of Markdown. Each parser below gets the lines, the index of the block's first line and the context, and
// returns the
// block's description and the index of the line after it, or nothing if another block begins there.

/**
 * What the parsers need besides the lines: whether more lines may come, how deep the block is, the texts of the window,
 * and the target of links.
 * @typedef {{
 *   isPartial: boolean,
 *   depth: number,
 *   strings: { copy: string, code: string },
 *   target: string,
 * }} Context
 * @typedef {(lines: string[], at: number, context: Context) => [block: TreeElement, next: number] | undefined} Parser
 */

/**
 * Parses lines to blocks. `starts` are the indices of the blocks' first lines.
 * @param {string[]} lines
 * @param {Context} context
 */
export function parseBlocks(lines, context) {
  /** @type {TreeElement[]} */
  const blocks = [];
  /** @type {number[]} */
  const starts = [];
  for (let at = 0; at < lines.length; ) {
    const parsers = !lines[at].trim() ? [] : context.depth > MAX_NESTING ? [paragraph] : PARSERS;
    let found;
    for (const parse of parsers) found ??= parse(lines, at, context);
    if (found) {
      blocks.push(found[0]);
      starts.push(at);
    }
    at = found?.[1] ?? at + 1;
  }
  return { blocks, starts };
}

/** @type {Parser} */
const rule = (lines, at) => (RULE.test(lines[at]) ? [tree("hr"), at + 1] : undefined);

/**
 * Returns the context inside a block that ends before line `end`. Only the last block can be partial.
 * @param {Context} context
 * @param {string[]} lines
 * @param {number} end
 * @returns {Context}
 */
export const nested = (context, lines, end) => ({
  ...context,
  isPartial: context.isPartial && end >= lines.length,
  depth: context.depth + 1,
});

/** @type {Parser} */
function heading(lines, at, context) {
  const found = HEADING.exec(lines[at]);
  if (!found) return undefined;
  // The window's own heading is an h2, so those of an answer begin with h3.
  const name = `h${Math.min(found[1].length + 2, 6)}`;
  return [tree(name, { dir: "auto" }, ...parseInline(found[2], nested(context, lines, at + 1))), at + 1];
}

/**
 * Parses a fenced code block. Above the code are its language and a button that copies it.
 * @type {Parser}
 */
function codeBlock(lines, at, { strings }) {
  const isEnd = fenceEnd(lines[at]);
  if (!isEnd) return undefined;
  const [language] = lines[at].replace(/^[\s`~]+/, "").split(/\s/);
  const indent = indentOf(lines[at]);
  let end = at + 1;
  while (end < lines.length && !isEnd(lines[end])) end++;
  const text = lines.slice(at + 1, end).map((line) => line.slice(Math.min(indent, indentOf(line))));
  const copy = tree("button", { type: "button", class: "copy quiet" }, strings.copy);
  const head = tree("div", {}, tree("span", {}, language || strings.code), copy);
  const pre = tree("pre", { tabindex: 0 }, tree("code", {}, text.join("\n")));
  return [tree("div", { class: "code", part: "code", dir: "ltr" }, head, pre), end + 1];
}

/** @type {Parser} */
function quote(lines, at, context) {
  let end = at;
  while (QUOTE.test(lines[end])) end++;
  if (end === at) return undefined;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  const { blocks } = parseBlocks(inside, nested(context, lines, end));
  return [tree("blockquote", { dir: directionOf(inside.join("\n")) }, ...blocks), end];
}

/** @type {Parser} */
function paragraph(lines, at, context) {
  let end = at;
  do end++;
  while (lines[end]?.trim() && !ENDS_PARAGRAPH.test(lines[end]) && !RULE.test(lines[end]) && !isTable(lines, end, false));
  const text = lines.slice(at, end).map((line) => line.trim());
  return [tree("p", { dir: "auto" }, ...parseInline(text.join("\n"), nested(context, lines, end))), end];
}

/** The parsers of all blocks, in the order in which they are tried. */
const PARSERS = [codeBlock, heading, rule, quote, list, table, displayedFormula, paragraph];
