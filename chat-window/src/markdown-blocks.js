import { node } from "./dom.js";
import { MAX_NESTING, parseInline } from "./markdown-inline.js";

// The blocks of Markdown. Each parser below gets the lines, the index of the block's first line and the context
// `{ isPartial, depth, strings }`, and returns the block's element and the index of the line after it.

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
const QUOTE = /^ {0,3}> ?/;
const LIST_MARKER = /^(\s*)([-*+]|\d{1,9}[.)])(\s+|$)/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;

/** The beginning of a block that ends a paragraph without a blank line. */
const ENDS_PARAGRAPH = /^ {0,3}(?:#{1,6}\s|>|```|~~~|[-*+]\s+\S|1[.)]\s+\S)/;

/** Parses lines to elements. Adds the index of each block's first line to `starts`. */
export function parseBlocks(lines, context, starts = []) {
  const elements = [];
  for (let at = 0; at < lines.length; ) {
    if (!lines[at].trim()) at++;
    else {
      const [element, next] = parserFor(lines, at, context)(lines, at, context);
      elements.push(element);
      starts.push(at);
      at = next;
    }
  }
  return elements;
}

/** Returns the parser for the block that begins at a line. */
function parserFor(lines, at, context) {
  const line = lines[at];
  if (context.depth > MAX_NESTING) return paragraph;
  if (FENCE.test(line)) return codeBlock;
  if (HEADING.test(line)) return heading;
  if (RULE.test(line)) return () => [node("hr"), at + 1];
  if (QUOTE.test(line)) return quote;
  if (LIST_MARKER.test(line)) return list;
  return isTable(lines, at, context.isPartial) ? table : paragraph;
}

/** Returns the context inside a block that ends before line `end`. Only the last block can be partial. */
const nested = (context, lines, end) => ({
  ...context,
  isPartial: context.isPartial && end >= lines.length,
  depth: context.depth + 1,
});

function heading(lines, at, context) {
  const [, marks, text] = HEADING.exec(lines[at]);
  // The window's own heading is an h2, so those of an answer begin with h3.
  const name = `h${Math.min(marks.length + 2, 6)}`;
  const { isPartial } = nested(context, lines, at + 1);
  return [node(name, {}, parseInline(text.replace(/\s#+\s*$/, ""), isPartial)), at + 1];
}

/** Parses a fenced code block. Above the code are its language and a button that copies it. */
function codeBlock(lines, at, { strings }) {
  const [all, mark, info] = FENCE.exec(lines[at]);
  const isEnd = (line) => line.trim().length >= mark.length && !line.trim().replaceAll(mark[0], "");
  let end = at + 1;
  while (end < lines.length && !isEnd(lines[end])) end++;
  const text = lines.slice(at + 1, end).map((line) => line.slice(Math.min(indentOf(all), indentOf(line))));
  const copy = node("button", { type: "button", class: "copy quiet" }, strings.copy);
  const head = node("div", {}, node("span", {}, info.trim().split(/\s/)[0] || strings.code), copy);
  const pre = node("pre", { tabindex: 0 }, node("code", {}, text.join("\n")));
  return [node("div", { class: "code", part: "code" }, head, pre), end + 1];
}

const indentOf = (line) => line.search(/\S|$/);

function quote(lines, at, context) {
  let end = at;
  while (QUOTE.test(lines[end] ?? "")) end++;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [node("blockquote", {}, ...parseBlocks(inside, nested(context, lines, end))), end];
}

function list(lines, at, context) {
  const [, indent, sign] = LIST_MARKER.exec(lines[at]);
  const isNumbered = (sign) => sign.length > 1;
  const root = isNumbered(sign) ? node("ol", { start: parseInt(sign) }) : node("ul");
  while (at < lines.length && !RULE.test(lines[at])) {
    const marker = LIST_MARKER.exec(lines[at]);
    if (!marker || isNumbered(marker[2]) !== isNumbered(sign) || marker[1].length > indent.length + 1) break;
    const [item, next] = itemLines(lines, at, marker, indent.length + 2);
    root.append(node("li", {}, ...parseBlocks(item, nested(context, lines, next))));
    at = next;
  }
  return [root, at];
}

/**
 * Returns the lines of the list item at a line, without their indentation, and the index of the line after it. Lines
 * belong to the item if they are indented by `minIndent`, or continue its paragraph.
 */
function itemLines(lines, at, [, indent, sign, blanks], minIndent) {
  const width = indent.length + sign.length + Math.min(blanks.length || 1, 4);
  const item = [lines[at].slice(width)];
  let isAfterBlank = false;
  for (at++; at < lines.length; at++) {
    const line = lines[at].replace(/^\t+/, (tabs) => tabs.replaceAll("\t", "    "));
    const isOutside = line.trim() && indentOf(line) < minIndent;
    if (isOutside && (isAfterBlank || LIST_MARKER.test(line) || ENDS_PARAGRAPH.test(line))) break;
    isAfterBlank = !line.trim();
    item.push(line.slice(Math.min(indentOf(line), width)));
  }
  return [item, at];
}

/** Splits a row of a table into its cells. */
function cells(line) {
  const inside = line.trim().replace(/^\||(?<!\\)\|$/g, "");
  return inside.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** Returns whether a table begins at a line, or may begin there once its second line is complete. */
function isTable(lines, at, isPartial) {
  const [line, next = ""] = lines.slice(at, at + 2);
  const mayBecomeTable = isPartial && at + 2 >= lines.length && /^\s*\|/.test(line) && /^[-|: ]*$/.test(next);
  return mayBecomeTable || (line.includes("|") && cells(next).every((cell) => /^:?-+:?$/.test(cell)));
}

function table(lines, at, { isPartial }) {
  const heads = cells(lines[at]);
  const row = (texts, name) => {
    const fields = texts.slice(0, heads.length).map((text) => node(name, {}, parseInline(text, isPartial)));
    return node("tr", {}, ...fields);
  };
  const root = node("table", {}, row(heads, "th"));
  for (at += 2; lines[at]?.includes("|"); at++) root.append(row(cells(lines[at]), "td"));
  return [node("div", { class: "table", part: "table", tabindex: 0 }, root), at];
}

function paragraph(lines, at, context) {
  let end = at;
  do end++;
  while (lines[end]?.trim() && !ENDS_PARAGRAPH.test(lines[end]) && !RULE.test(lines[end]) && !isTable(lines, end));
  const text = lines.slice(at, end).map((line) => line.trim());
  return [node("p", {}, parseInline(text.join("\n"), nested(context, lines, end).isPartial)), end];
}
