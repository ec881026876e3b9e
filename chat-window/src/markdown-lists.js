import { nested, parseBlocks } from "./markdown-blocks.js";
import { ENDS_PARAGRAPH, FENCE, indentOf, isFenceEnd, LIST_MARKER, RULE } from "./markdown-lines.js";
import { directionOf } from "./text-direction.js";
import { tree } from "./tree.js";
/** @import { Context, Parser } from "./markdown-blocks.js" */
/** @import { Tree, TreeElement } from "./tree.js" */

/**
 * A list item. `hasGap`: there is a blank line between two blocks of it. `sign`: that in the box of a task.
 * @typedef {{ attributes: Record<string, string>, blocks: TreeElement[], hasGap: boolean, sign?: string }} Item
 */

/** The box of a task, at the beginning of its text. */
const TASK = /^\[([ xX])\]\s+(?=\S)/;

/** @param {string} sign */
const isNumbered = (sign) => sign.length > 1;

/**
 * Parses a list. It is loose, with gaps between its items, if there is a blank line between two of them or in one.
 * @type {Parser}
 */
export function list(lines, at, context) {
  const [, indent = "", sign = ""] = LIST_MARKER.exec(lines[at]) ?? [];
  /** @type {Item[]} */
  const items = [];
  let isLoose = false;
  for (let hasBlankEnd = false; at < lines.length && !RULE.test(lines[at]); ) {
    const marker = LIST_MARKER.exec(lines[at]);
    if (!marker || isNumbered(marker[2]) !== isNumbered(sign) || marker[1].length > indent.length + 1) break;
    const [source, next] = itemLines(lines, at, marker, indent.length + 2);
    const item = parseItem(source, nested(context, lines, next));
    items.push(item);
    isLoose ||= hasBlankEnd || item.hasGap;
    hasBlankEnd = !source[source.length - 1].trim();
    at = next;
  }
  const attributes = { ...(isNumbered(sign) && { start: parseInt(sign) }), ...(isLoose && { class: "loose" }) };
  return [tree(isNumbered(sign) ? "ol" : "ul", attributes, ...items.map((item) => listItem(item, isLoose))), at];
}

/**
 * Returns the lines of the list item at a line, without their indentation, and the index of the line after it. Lines
 * belong to the item if they are indented by `minIndent`, continue its paragraph, or are in its code block.
 * @param {string[]} lines
 * @param {number} at
 * @param {string[]} marker
 * @param {number} minIndent
 * @returns {[string[], number]}
 */
function itemLines(lines, at, [, indent, sign, blanks], minIndent) {
  const width = indent.length + sign.length + (blanks.length > 4 ? 1 : blanks.length || 1);
  const item = [lines[at].slice(width)];
  let isCodeEnd = fenceEndFor(item[0]);
  let isAfterBlank = false;
  for (at++; at < lines.length; at++) {
    const line = lines[at].replace(/^\t+/, (tabs) => tabs.replaceAll("\t", "    "));
    const isOutside = !isCodeEnd && line.trim() && indentOf(line) < minIndent;
    if (isOutside && (isAfterBlank || isListItem(line) || ENDS_PARAGRAPH.test(line))) break;
    isAfterBlank = !line.trim();
    item.push(line.slice(Math.min(indentOf(line), width)));
    if (!isCodeEnd) isCodeEnd = fenceEndFor(line);
    else if (isCodeEnd(line)) isCodeEnd = undefined;
  }
  return [item, at];
}

/**
 * Returns the function that finds the end of the code block that a line opens, if it opens one.
 * @param {string} line
 */
function fenceEndFor(line) {
  const mark = FENCE.exec(line)?.[1];
  return mark ? isFenceEnd(mark) : undefined;
}

/**
 * Returns whether a line begins another item within the text of one: a year with a dot doesn't.
 * @param {string} line
 */
const isListItem = (line) => LIST_MARKER.test(line) && !/^\s*\d{4}/.test(line);

/**
 * @param {string[]} source
 * @param {Context} context
 * @returns {Item}
 */
function parseItem([first, ...others], context) {
  const [box, sign] = TASK.exec(first) ?? [""];
  const lines = [first.slice(box.length), ...others];
  const { blocks, starts } = parseBlocks(lines, context);
  const hasGap = starts.slice(1).some((start) => !lines[start - 1].trim());
  const attributes = { dir: directionOf(lines), ...(sign && { class: "task" }) };
  return { attributes, blocks, hasGap, sign };
}

/**
 * Describes an item. Its first paragraph is without an element in a tight list, and labels the box of a task.
 * @param {Item} item
 * @param {boolean} isLoose
 */
function listItem({ attributes, blocks: [first, ...others], sign }, isLoose) {
  if (first?.name !== "p") return tree("li", attributes, ...(first ? [first] : []), ...others);
  const text = sign ? [task(sign, first.children)] : first.children;
  return tree("li", attributes, ...(isLoose ? [tree("p", first.attributes, ...text)] : text), ...others);
}

/**
 * Describes a task that is done or not.
 * @param {string} sign
 * @param {Tree[]} text
 */
function task(sign, text) {
  /** @type {Record<string, string>} */
  const state = sign === " " ? {} : { checked: "" };
  return tree("label", {}, tree("input", { type: "checkbox", disabled: "", ...state }), " ", ...text);
}
