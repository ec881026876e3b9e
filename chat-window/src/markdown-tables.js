import { CodeSpans } from "./code-spans.js";
import { nested } from "./markdown-blocks.js";
import { parseInline } from "./markdown-inline.js";
import { ENDS_PARAGRAPH } from "./markdown-lines.js";
import { directionOf } from "./text-direction.js";
import { tree } from "./tree.js";
/** @import { Context, Parser } from "./markdown-blocks.js" */

/** Most columns for which missing cells are added: the size of a table grows with its source. */
const MAX_FILLED_COLUMNS = 50;

const ALIGNMENT = /^(:?)-+(:?)$/;

/**
 * Splits a row into its cells, at the signs that are outside of code.
 * @param {string} line
 */
function cells(line) {
  const row = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  const spans = new CodeSpans(row);
  const fields = [];
  let [start, at] = [0, 0];
  for (const { 0: token, index } of row.matchAll(/`+|\\.|\|/g)) {
    if (index < at) continue;
    if (token[0] === "`") at = spans.endOf(token.length, index + token.length) + token.length;
    if (token !== "|") continue;
    fields.push(row.slice(start, index));
    start = index + 1;
  }
  return [...fields, row.slice(start)].map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/**
 * Returns the cells of a row in a table with so many columns. What is too much for them is in the last one.
 * @param {string} line
 * @param {number} columns
 */
function fittingCells(line, columns) {
  const fields = cells(line);
  if (fields.length > columns) fields.push(fields.splice(columns - 1).join(" | "));
  while (fields.length < columns && columns <= MAX_FILLED_COLUMNS) fields.push("");
  return fields;
}

/**
 * Returns whether a table begins at a line, or may begin there once its second line is complete.
 * @param {string[]} lines
 * @param {number} at
 * @param {boolean} isPartial
 */
export function isTable(lines, at, isPartial) {
  const line = lines[at];
  const next = lines[at + 1] ?? "";
  if (!line.includes("|")) return false;
  if (isPartial && at + 2 >= lines.length && /^\s*\|/.test(line) && /^[-|: ]*$/.test(next)) return true;
  return next.includes("|") && cells(next).every((cell) => ALIGNMENT.test(cell));
}

/** @type {Parser} */
export function table(lines, at, context) {
  const isGrowing = context.isPartial && at + 2 >= lines.length;
  const delimiters = cells(lines[at + 1] ?? "");
  const columns = isGrowing ? cells(lines[at]).length : delimiters.length;
  const looks = delimiters.map(alignment);
  const row = (/** @type {number} */ line, /** @type {string} */ name, /** @type {Record<string, string>} */ attributes) => {
    const inside = nested(context, lines, Math.max(line + 1, at + 2));
    const fields = fittingCells(lines[line], columns);
    return tree("tr", {}, ...fields.map((text, column) => tree(name, { ...attributes, ...looks[column] }, ...parseInline(text, inside))));
  };
  const head = tree("thead", {}, row(at, "th", { scope: "col" }));
  const rows = [];
  let end = at + 2;
  for (; lines[end]?.includes("|") && !ENDS_PARAGRAPH.test(lines[end]); end++) rows.push(row(end, "td", { dir: "auto" }));
  const body = rows.length ? [tree("tbody", {}, ...rows)] : [];
  const root = tree("table", { dir: directionOf(lines.slice(at, end)) }, head, ...body);
  return [tree("div", { class: "table", part: "table", tabindex: 0 }, root), end];
}

/**
 * Returns the class of the cells below a delimiter.
 * @param {string} delimiter
 * @returns {Record<string, string>}
 */
function alignment(delimiter) {
  const [, left, right] = ALIGNMENT.exec(delimiter) ?? [];
  const name = left && right ? "center" : right ? "right" : left && "left";
  return name ? { class: name } : {};
}
