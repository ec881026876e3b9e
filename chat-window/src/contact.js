import { node } from "./dom.js";

/** What a link to a person may open. */
const PROTOCOLS = /^(https?|mailto|tel|sms):$/;

/**
 * Creates the link to a person who can help. Returns undefined if the window has none.
 *
 * @param {HTMLElement} element the window, with the attribute `contact`
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
export function contactLink(element, attributes, ...children) {
  const href = element.getAttribute("contact")?.trim();
  if (!href) return undefined;
  // In another tab, so that the conversation stays in sight. Browsers open none for mail and telephone.
  const link = node("a", { part: "contact", href, target: "_blank", rel: "noopener", ...attributes }, ...children);
  return PROTOCOLS.test(link.protocol) ? link : undefined;
}
