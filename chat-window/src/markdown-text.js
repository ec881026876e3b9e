/** Elements that are lines of their own. */
const LINES = new Set("BLOCKQUOTE DIV H3 H4 H5 H6 LI OL P PRE TABLE TR UL".split(" "));

/**
 * Returns the text of a rendered Markdown node as it is seen: blocks are separated by line breaks, the cells of a table
 * by tabs. The head of a code block isn't part of it.
 * @param {Node} node
 * @returns {string}
 */
export function seenText(node) {
  if (node instanceof Text) return node.data;
  if (!(node instanceof Element) || node.matches(".code > div")) return "";
  if (node.tagName === "BR") return "\n";
  const inner = [...node.childNodes].map(seenText).join("").replace(/\n$/, "");
  if (node.tagName === "LI") return `${itemSign(node)}${inner}\n`;
  return inner + (node.matches(":is(td, th):not(:last-child)") ? "\t" : LINES.has(node.tagName) ? "\n" : "");
}

/** @param {Element} item */
function itemSign(item) {
  const list = item.parentElement;
  if (!(list instanceof HTMLOListElement)) return "- ";
  return `${list.start + [...list.children].indexOf(item)}. `;
}
