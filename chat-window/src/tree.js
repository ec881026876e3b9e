/**
 * The description of an element. It isn't changed once it was made, so a description that comes again stands for an
 * element that needs no change.
 * @typedef {{ name: string, attributes: Record<string, string | number>, children: Tree[] }} TreeElement
 * @typedef {TreeElement | string} Tree
 */

/**
 * Describes an element with attributes and children. Neighbouring texts become one.
 * @param {string} name
 * @param {Record<string, string | number>} [attributes]
 * @param {...Tree} children
 * @returns {TreeElement}
 */
export const tree = (name, attributes = {}, ...children) => ({ name, attributes, children: joinTexts(children) });

/**
 * Joins neighbouring texts and removes empty ones.
 * @param {Tree[]} children
 */
export function joinTexts(children) {
  /** @type {Tree[]} */
  const joined = [];
  for (const child of children) {
    const last = joined.at(-1);
    if (typeof child === "string" && typeof last === "string") joined[joined.length - 1] = last + child;
    else if (child) joined.push(child);
  }
  return joined;
}

/** Elements within a line. */
const INLINE = /^(a|code|del|em|label|span|strong|t[dh])$/;

/**
 * Returns the text of a description as it is seen: blocks are lines.
 * @param {Tree} child
 */
export const seenText = (child) => textOf(child).replace(/\v+/g, "\n").trim();

/**
 * Returns the text of a description, with a vertical tab where a block begins or ends.
 * @param {Tree} child
 * @returns {string}
 */
function textOf(child) {
  if (typeof child === "string") return child;
  const { name, attributes, children } = child;
  if (name === "input") return "checked" in attributes ? "☑" : "☐";
  // The first child of a code block is its head.
  const text = (attributes.class === "code" ? children.slice(1) : children).map(textOf).join(name === "tr" ? "\t" : "");
  return INLINE.test(name) ? text : `\v${text}\v`;
}
