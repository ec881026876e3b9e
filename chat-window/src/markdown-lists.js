import { nested, parseBlocks } from "./markdown-blocks.js";
import { ENDS_PARAGRAPH, fenceEnd, indentOf, LIST_MARKER, RULE } from "./markdown-lines.js";
import { tree } from "./tree.js";
/** @import { Context, Parser } from "./markdown-blocks.js" */

/** The box of a task, at the beginning of its text. */
const TASK = /^\[([ xX])\]\s+(?=\S)/;

/** @type {Parser} */
export function list(lines, at, context) {
  const first = LIST_MARKER.exec(lines[at]);
  if (!first) return undefined;
  const [, indent, sign] = first;
  const isNumbered = sign.length > 1;
  const items = [];
  for (;;) {
    const marker = LIST_MARKER.exec(lines[at]);
    if (!marker || RULE.test(lines[at]) || marker[2].length > 1 !== isNumbered || marker[1].length > indent.length + 1) break;
    const [source, next] = itemLines(lines, at, marker, indent.length + 2);
    items.push(listItem(source, nested(context, lines, next)));
    at = next;
  }
  return [isNumbered ? tree("ol", { start: parseInt(sign) }, ...items) : tree("ul", {}, ...items), at];
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
  let isCodeEnd = fenceEnd(item[0]);
  let isAfterBlank = false;
  for (at++; at < lines.length; at++) {
    const line = lines[at].replace(/\t/gy, "    ");
    const isOutside = !isCodeEnd && line.trim() && indentOf(line) < minIndent;
    if (isOutside && (isAfterBlank || isListItem(line) || ENDS_PARAGRAPH.test(line))) break;
    isAfterBlank = !line.trim();
    item.push(line.slice(Math.min(indentOf(line), width)));
    if (!isCodeEnd) isCodeEnd = fenceEnd(line);
    else if (isCodeEnd(line)) isCodeEnd = undefined;
  }
  return [item, at];
}

/**
 * Returns whether a line begins another item within the text of one: a year with a dot doesn't.
 * @param {string} line
 */
const isListItem = (line) => LIST_MARKER.test(line) && !/^\s*\d{4}/.test(line);

/**
 * Parses the lines of an item. Its first paragraph is without an element.
 * @param {string[]} lines
 * @param {Context} context
 */
function listItem([text, ...others], context) {
  const [box, sign] = TASK.exec(text) ?? [""];
  const [first, ...blocks] = parseBlocks([text.slice(box.length), ...others], context).blocks;
  const content = first?.name === "p" ? first.children : first ? [first] : [];
  if (!sign) return tree("li", { dir: "auto" }, ...content, ...blocks);
  const input = tree("input", { type: "checkbox", disabled: "", ...(sign !== " " && { checked: "" }) });
  return tree("li", { dir: "auto", class: "task" }, tree("label", {}, input, " ", ...content), ...blocks);
}
