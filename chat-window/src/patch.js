/** @import { Tree, TreeElement } from "./tree.js" */

/**
 * Changes the children of a node from one description to another. Nodes stay as far as they can, so that a selection,
 * the focus, scroll positions and what the visitor has unfolded stay, too.
 * @param {Node} parent
 * @param {Tree[]} before
 * @param {Tree[]} after
 */
export function patchChildren(parent, before, after) {
  for (const [index, child] of after.entries()) {
    if (child === before[index]) continue;
    const node = parent.childNodes[index];
    if (!node) parent.appendChild(create(child));
    else if (!patchNode(node, before[index], child)) parent.replaceChild(create(child), node);
  }
  while (parent.childNodes.length > after.length) parent.lastChild?.remove();
}

/**
 * Changes a node from one description to another. Returns false if it needs another node.
 * @param {Node} node
 * @param {Tree | undefined} before
 * @param {Tree} after
 */
function patchNode(node, before, after) {
  if (typeof after === "string") return node.nodeType === Node.TEXT_NODE && patchText(/** @type {Text} */ (node), after);
  if (typeof before !== "object" || before.name !== after.name || node.nodeName.toLowerCase() !== after.name) return false;
  patchAttributes(/** @type {Element} */ (node), before.attributes, after.attributes);
  patchChildren(node, before.children, after.children);
  return true;
}

/**
 * Replaces the part of a text that differs: a selection in the rest of it stays.
 * @param {Text} node
 * @param {string} text
 */
function patchText(node, text) {
  const { data } = node;
  if (text.startsWith(data)) {
    if (text.length > data.length) node.appendData(text.slice(data.length));
    return true;
  }
  const shorter = Math.min(data.length, text.length);
  let start = 0;
  while (start < shorter && data[start] === text[start]) start++;
  let end = 0;
  while (end < shorter - start && data.at(-1 - end) === text.at(-1 - end)) end++;
  node.replaceData(start, data.length - start - end, text.slice(start, text.length - end));
  return true;
}

/**
 * @param {Element} element
 * @param {TreeElement["attributes"]} before
 * @param {TreeElement["attributes"]} after
 */
function patchAttributes(element, before, after) {
  for (const name of Object.keys(before)) if (!(name in after)) element.removeAttribute(name);
  for (const [name, value] of Object.entries(after)) {
    if (value !== before[name]) element.setAttribute(name, String(value));
  }
}

/**
 * @param {Tree} child
 * @returns {Node}
 */
function create(child) {
  if (typeof child === "string") return document.createTextNode(child);
  const element = document.createElement(child.name);
  patchAttributes(element, {}, child.attributes);
  element.append(...child.children.map(create));
  return element;
}
