import { nested } from "./markdown-blocks.js";
import { parseInline } from "./markdown-inline.js";
import { ENDS_PARAGRAPH } from "./markdown-lines.js";
import { tree } from "./tree.js";
/** @import { Parser } from "./markdown-blocks.js" */

const ALIGNMENT = /^(:?)-+(:?)$/;

/**
 * Splits a row into its cells, at the signs that are outside of code.
 * @param {string} line
 */
function cells(line) {
  const row = line.trim().replace(/^\||(?<!\\)\|$/g, "");
  const separated = row.replace(/(``?)[^`]+\1|\\.|\|/g, (token) => (token === "|" ? "\n" : token.replaceAll("\\|", "|")));
  return separated.split("\n").map((cell) => cell.trim());
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
  if (!isTable(lines, at, context.isPartial)) return undefined;
  const looks = cells(lines[at + 1] ?? "").map(alignment);
  const row = (/** @type {number} */ line, /** @type {string} */ name, /** @type {Record<string, string>} */ attributes) => {
    const inside = nested(context, lines, line + 2);
    const fields = cells(lines[line]);
    return tree("tr", {}, ...fields.map((text, column) => tree(name, { ...attributes, ...looks[column] }, ...parseInline(text, inside))));
  };
  const head = tree("thead", {}, row(at, "th", { scope: "col" }));
  const rows = [];
  let end = at + 2;
  for (; lines[end]?.includes("|") && !ENDS_PARAGRAPH.test(lines[end]); end++) rows.push(row(end, "td", { dir: "auto" }));
  const root = tree("table", { dir: "auto" }, head, tree("tbody", {}, ...rows));
  return [tree("div", { class: "table", part: "table", tabindex: 0 }, root), end];
}

/**
 * Returns the class of the cells below a delimiter.
 * @param {string} delimiter
 * @returns {Record<string, string>}
 */
function alignment(delimiter) {
  const [, left, right] = ALIGNMENT.exec(delimiter) ?? [];
  return left || right ? { class: left && right ? "center" : left ? "left" : "right" } : {};
}
