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
    const old = before[index];
    const present = parent.childNodes[index];
    if (child === old) continue;
    if (!present) parent.append(create(child));
    else if (startOf(old) !== startOf(child)) present.replaceWith(create(child));
    else if (typeof child === "string") patchText(/** @type {Text} */ (present), child);
    else patchChildren(/** @type {Element} */ (present), /** @type {TreeElement} */ (old).children, child.children);
  }
  while (parent.childNodes.length > after.length) parent.lastChild?.remove();
}

/** Returns what an element must have in common with another to become it. All texts have the same in common. */
const startOf = (/** @type {Tree} */ child) => typeof child === "object" && JSON.stringify([child.name, child.attributes]);

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
