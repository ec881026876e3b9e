import { node } from "./dom.js";
import { REL } from "./markdown-links.js";

/** @typedef {{ title: string, url: string }} Source a page that an answer is based on */

/**
 * Creates the list of links to the sources of an answer; undefined if there are none.
 *
 * @param {Source[] | undefined} sources
 * @param {string} name what the list is called
 * @param {string | undefined} target where the links open
 */
export function sourceList(sources, name, target = "_blank") {
  if (!sources?.length) return undefined;
  const link = (/** @type {Source} */ { title, url }) => node("a", { href: url, rel: REL, target, dir: "auto" }, title || url);
  const items = sources.map((source) => node("li", {}, link(source)));
  const list = node("ul", { class: "chips", "aria-label": name }, ...items);
  return node("div", { part: "sources" }, node("div", { class: "note" }, name), list);
}
