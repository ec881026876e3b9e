import { CHARACTER_REFERENCE, characterOf } from "./character-references.js";
import { tree } from "./tree.js";
/** What the pages that a model or the server names have to do with this one: nothing. They do not learn of it. */
export const REL = "noopener noreferrer nofollow";

/** @import { Tree } from "./tree.js" */

const REFERENCES = new RegExp(CHARACTER_REFERENCE, "gi");

/** The target of a link, in parentheses. A title is skipped. */
const TARGET = /^\(\s*(?=\S)(<[^<>\n]*>|(?:[^\s()]|\([^\s()]*\))*)(?:\s+"[^"]*")?\s*\)/;

/** What ends a URL in a sentence: punctuation beyond ASCII, and a Chinese, Japanese or Korean letter after a Latin one. */
const END_OF_URL = /[^\0-~\p{L}\p{N}\p{M}\p{S}]|～|(?<=\w)[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}]/u;

/**
 * Describes a link, or plain text for a URL that is unsafe to follow: scripts, data and relative URLs.
 * @param {string} href
 * @param {string} target
 * @param {Tree[]} children
 * @param {Record<string, string>} [attributes]
 */
export const link = (href, target, children, attributes) =>
  /^(?:https?:\/\/|mailto:)/i.test(href)
    ? tree("a", { href, target, rel: REL, ...attributes }, ...children)
    : tree("span", {}, ...children);

/**
 * Returns the URL of a target in parentheses at the beginning of a text, and the target's length.
 * @param {string} text
 */
export function parseTarget(text) {
  const found = TARGET.exec(text);
  if (!found) return undefined;
  const url = found[1].replace(/^<|>$/g, "").replace(/\\([!-/:-@[-`{-~])/g, "$1");
  return { url: url.replace(REFERENCES, characterOf), length: found[0].length };
}

/**
 * Returns a URL that stands in a sentence without what follows it: punctuation, brackets that it doesn't open, or text.
 * @param {string} url
 */
export function withoutSentence(url) {
  let [text] = url.split(END_OF_URL, 1);
  let unopened = text.split(")").length - text.split("(").length;
  for (;;) {
    const [end] = /(?:&\w{2,9};|[.,:;!?'"*_~)])$/.exec(text.slice(-12)) ?? [];
    if (!end || (end === ")" && unopened-- <= 0)) return text;
    text = text.slice(0, -end.length);
  }
}

/**
 * Describes a link for a URL that stands in a text as it is. A URL is written from left to right.
 * @param {string} written
 * @param {string} target
 */
export function bareLink(written, target) {
  const text = written.replace(REFERENCES, characterOf);
  return link(text, target, [text], { dir: "ltr" });
}
