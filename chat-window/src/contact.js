import { node } from "./dom.js";

/** What a link to a person may open. */
const PROTOCOLS = ["https:", "http:", "mailto:", "tel:", "sms:"];

/** Returns the URL that the attribute `contact` names, and undefined for none that may be opened. */
function contactUrl(/** @type {HTMLElement} */ element) {
  const address = element.getAttribute("contact")?.trim();
  try {
    const url = new URL(address || "about:blank", element.baseURI);
    return PROTOCOLS.includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Creates the link to a person who can help. Returns undefined if the window has none.
 *
 * @param {HTMLElement} element the window, with the attribute `contact`
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
export function contactLink(element, attributes, ...children) {
  const url = contactUrl(element);
  if (!url) return undefined;
  const link = node("a", { part: "contact", href: url.href, ...attributes }, ...children);
  // The conversation stays in sight. Addresses of mail and telephone open no page.
  if (url.origin !== "null" && url.origin !== element.ownerDocument.location.origin) {
    Object.assign(link, { target: "_blank", rel: "noopener" });
  }
  return link;
}
