import { node } from "./dom.js";
/** @import { Tree, TreeElement } from "./tree.js" */

/**
 * Changes the children of a node from one description to another. Nodes stay as far as they can, so that a selection,
 * the focus, scroll positions and what the visitor has unfolded stay, too.
 * @param {Element} parent
 * @param {Tree[]} before
 * @param {Tree[]} after
 */
export function patchChildren(parent, before, after) {
  for (const [index, child] of after.entries()) {
    if (child === before[index]) continue;
    const present = parent.childNodes[index];
    if (!present) parent.append(create(child));
    else if (!patchNode(present, before[index], child)) present.replaceWith(create(child));
  }
  while (parent.childNodes.length > after.length) parent.lastChild?.remove();
}

/**
 * Changes a node from one description to another. Returns false if it needs another node.
 * @param {Node} present
 * @param {Tree | undefined} before
 * @param {Tree} after
 */
function patchNode(present, before, after) {
  if (typeof after === "string") return present.nodeType === Node.TEXT_NODE && patchText(/** @type {Text} */ (present), after);
  if (typeof before !== "object" || before.name !== after.name) return false;
  if (JSON.stringify(before.attributes) !== JSON.stringify(after.attributes)) return false;
  patchChildren(/** @type {Element} */ (present), before.children, after.children);
  return true;
}

/**
 * Replaces the part of a text that differs: a selection in the rest of it stays.
 * @param {Text} present
 * @param {string} text
 */
function patchText(present, text) {
  const { data } = present;
  const shorter = Math.min(data.length, text.length);
  let start = 0;
  while (start < shorter && data[start] === text[start]) start++;
  let end = 0;
  while (end < shorter - start && data.at(-1 - end) === text.at(-1 - end)) end++;
  present.replaceData(start, data.length - start - end, text.slice(start, text.length - end));
  return true;
}

/**
 * @param {Tree} child
 * @returns {Node | string}
 */
function create(child) {
  if (typeof child === "string") return child;
  const name = /** @type {keyof HTMLElementTagNameMap} */ (child.name);
  return node(name, child.attributes, ...child.children.map(create));
}
