import { displayedFormula } from "./formulas.js";
import { MAX_NESTING, parseInline } from "./markdown-inline.js";
import { ENDS_PARAGRAPH, FENCE, HEADING, indentOf, isFenceEnd, LIST_MARKER, QUOTE, RULE } from "./markdown-lines.js";
import { list } from "./markdown-lists.js";
import { isTable, table } from "./markdown-tables.js";
import { directionOf } from "./text-direction.js";
import { tree } from "./tree.js";
/** @import { TreeElement } from "./tree.js" */

// The blocks of Markdown. Each parser below gets the lines, the index of the block's first line and the context, and
// returns the block's description and the index of the line after it.

/**
 * What the parsers need besides the lines: whether more lines may come, how deep the block is, the texts of the window,
 * and the target of links.
 * @typedef {{
 *   isPartial: boolean,
 *   depth: number,
 *   strings: { copy: string, code: string },
 *   target: string,
 * }} Context
 * @typedef {(lines: string[], at: number, context: Context) => [block: TreeElement | undefined, next: number]} Parser
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
    const [block, next] = parserFor(lines, at, context)(lines, at, context);
    if (block) {
      blocks.push(block);
      starts.push(at);
    }
    at = next;
  }
  return { blocks, starts };
}

/** @type {Parser} */
const nothing = (lines, at) => [undefined, at + 1];

/** @type {Parser} */
const rule = (lines, at) => [tree("hr"), at + 1];

/**
 * Returns the parser for the block that begins at a line.
 * @param {string[]} lines
 * @param {number} at
 * @param {Context} context
 * @returns {Parser}
 */
function parserFor(lines, at, context) {
  const line = lines[at];
  if (!line.trim()) return nothing;
  if (context.depth > MAX_NESTING) return paragraph;
  if (FENCE.test(line)) return codeBlock;
  if (HEADING.test(line)) return heading;
  if (RULE.test(line)) return rule;
  if (QUOTE.test(line)) return quote;
  if (LIST_MARKER.test(line)) return list;
  if (isTable(lines, at, context.isPartial)) return table;
  const formula = displayedFormula(lines, at, context.isPartial);
  return formula ? () => [tree("pre", { class: "math", dir: "ltr" }, formula.source), formula.next] : paragraph;
}

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
  const [, marks = "", text = ""] = HEADING.exec(lines[at]) ?? [];
  // The window's own heading is an h2, so those of an answer begin with h3.
  const name = `h${Math.min(marks.length + 2, 6)}`;
  const inline = parseInline(text.replace(/\s#+\s*$/, ""), nested(context, lines, at + 1));
  return [tree(name, { dir: "auto" }, ...inline), at + 1];
}

/**
 * Parses a fenced code block. Above the code are its language and a button that copies it.
 * @type {Parser}
 */
function codeBlock(lines, at, { strings }) {
  const [all, mark = "", info = ""] = FENCE.exec(lines[at]) ?? [];
  const isEnd = isFenceEnd(mark);
  const indent = indentOf(all ?? "");
  let end = at + 1;
  while (end < lines.length && !isEnd(lines[end])) end++;
  const text = lines.slice(at + 1, end).map((line) => line.slice(Math.min(indent, indentOf(line))));
  const copy = tree("button", { type: "button", class: "copy quiet" }, strings.copy);
  const head = tree("div", {}, tree("span", {}, info.trim().split(/\s/)[0] || strings.code), copy);
  const pre = tree("pre", { tabindex: 0 }, tree("code", {}, text.join("\n")));
  return [tree("div", { class: "code", part: "code", dir: "ltr" }, head, pre), end + 1];
}

/** @type {Parser} */
function quote(lines, at, context) {
  let end = at;
  while (QUOTE.test(lines[end] ?? "")) end++;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  const { blocks } = parseBlocks(inside, nested(context, lines, end));
  return [tree("blockquote", { dir: directionOf(inside) }, ...blocks), end];
}

/** @type {Parser} */
function paragraph(lines, at, context) {
  let end = at;
  do end++;
  while (lines[end]?.trim() && !ENDS_PARAGRAPH.test(lines[end]) && !RULE.test(lines[end]) && !isTable(lines, end, false));
  const text = lines.slice(at, end).map((line) => line.trim());
  const inline = parseInline(text.join("\n"), nested(context, lines, end));
  return [tree("p", { dir: "auto" }, ...inline), end];
}
