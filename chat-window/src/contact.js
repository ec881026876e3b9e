import { node } from "./dom.js";

/** What a link to a person may open. */
const PROTOCOLS = /^(https?|mailto|tel|sms):$/;

/**
 * Creates the link to a person who can help. Returns undefined without an address, or for one that must not be opened.
 *
 * @param {string | undefined} href
 * @param {Record<string, string>} attributes
 * @param {Node | string} child
 */
export function contactLink(href, attributes, child) {
  if (!href) return undefined;
  // In another tab, so that the conversation stays in sight. Browsers open none for mail and telephone.
  const link = node("a", { part: "contact", href, target: "_blank", rel: "noopener", ...attributes }, child);
  return PROTOCOLS.test(link.protocol) ? link : undefined;
}
