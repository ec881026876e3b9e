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
  /** @type {string[]} */
  let texts = [];
  const addText = () => {
    const text = texts.join("");
    if (text) joined.push(text);
    texts = [];
  };
  for (const child of children) {
    if (typeof child === "string") texts.push(child);
    else {
      addText();
      joined.push(child);
    }
  }
  addText();
  return joined;
}

/** Elements that are lines of their own. */
const LINES = new Set("blockquote div h3 h4 h5 h6 li ol p pre table tbody thead tr ul".split(" "));

/**
 * Returns the text of descriptions as it is seen: blocks are lines, and tabs separate the cells of a table.
 * @param {Tree[]} children
 * @returns {string}
 */
export function seenText(children) {
  /** @type {string[]} */
  const parts = [];
  const isInLine = () => parts.length && !parts[parts.length - 1].endsWith("\n");
  for (const child of children) {
    const isLine = typeof child === "object" && LINES.has(child.name);
    const text = typeof child === "string" ? child : textOf(child);
    if (!text) continue;
    if (isLine && isInLine()) parts.push("\n");
    parts.push(text);
    if (isLine) parts.push("\n");
  }
  if (parts.at(-1) === "\n") parts.pop();
  return parts.join("");
}

/** @param {TreeElement} element */
function textOf({ name, attributes, children }) {
  if (name === "br") return "\n";
  if (name === "input") return "checked" in attributes ? "☑" : "☐";
  if (name === "tr") return children.map((cell) => seenText([cell])).join("\t");
  if (name === "ul") return children.map((item) => `- ${seenText([item])}`).join("\n");
  if (name === "ol") return children.map((item, at) => `${Number(attributes.start) + at}. ${seenText([item])}`).join("\n");
  // The first child of a code block is its head.
  return seenText(attributes.class === "code" ? children.slice(1) : children);
}
