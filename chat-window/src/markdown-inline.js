import { node } from "./dom.js";

// The inline part of Markdown: emphasis, code, links and line breaks.
//
// A model's output is untrusted. Only the elements made here can appear, the time is linear in the length of the text,
// and nesting is limited. A text is `isPartial` while more of it may come: whatever has begun in it is shown as if it
// were complete, so that marks don't appear for a moment while the answer is written.

/** Deepest nesting of blocks, and half the number of inline marks that can be open at once. */
export const MAX_NESTING = 12;

const INLINE =
  // In this order: escape, backticks, emphasis, opening bracket, closing bracket, <URL>, bare URL, line break.
  /\\([!-/:-@[-`{-~])|(`+)|(\*+|_+|~~)|(!?\[)|(\])|<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>|(?<!\w)(https?:\/\/[^\s<>\]`]{1,2000})|\\?\n/g;

/** The target of a link, in parentheses, perhaps with a title. */
const LINK_TARGET = /^\(\s*(<[^<>\n]*>|[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/;

/** The element for each mark of emphasis. */
const EMPHASIS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };

/** Creates a link, or plain text for a URL that is unsafe to follow: scripts, data and relative URLs. */
function link(url, ...children) {
  const { protocol, href } = URL.canParse(url) ? new URL(url) : {};
  if (!["http:", "https:", "mailto:"].includes(protocol)) return node("span", {}, ...children);
  return node("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}

/** Parses the text of one block and returns its nodes. */
export function parseInline(text, isPartial) {
  // Strings and nodes in order. An opener is an opening mark: it becomes an element when it is closed, and stays text
  // otherwise. For each closed opener there is one `null` at its end.
  const out = [];
  let openers = [];
  const isNearEnd = (at) => isPartial && text.length - at < 400;
  /** Runs of backticks that no equal run closes. */
  const unclosed = new Set();

  const open = (mark, at) => {
    const opener = { mark, at };
    out.push(opener);
    if (openers.push(opener) > 2 * MAX_NESTING) openers.shift();
  };
  const close = (opener, element) => {
    openers.length = openers.indexOf(opener);
    opener.element = element;
    out.push(null);
  };
  const emphasis = (run, at) => {
    const [before, after] = [text[at - 1] ?? " ", text[at + run.length] ?? (isPartial ? "." : " ")];
    const isInWord = (next) => run[0] === "_" && /[\p{L}\p{N}]/u.test(next);
    let left = run.length;
    while (left < 4 && /\S/.test(before) && !isInWord(after)) {
      const opener = openers.findLast(({ mark }) => mark[0] === run[0]);
      if (!opener || opener.mark.length > left) break;
      left -= opener.mark.length;
      close(opener, node(EMPHASIS[opener.mark]));
    }
    if (left > 3 || /\s/.test(after) || isInWord(before)) return out.push(run.slice(0, left));
    if (left > 1) open(run[0].repeat(2), at);
    if (left % 2) open(run[0], at);
  };
  const closeBracket = (at) => {
    const opener = openers.findLast(({ mark }) => mark.endsWith("["));
    const rest = text.slice(at + 1, at + 2100);
    const target = LINK_TARGET.exec(rest);
    if (opener && (target || (isNearEnd(at) && /^(\([^)\n]*)?$/.test(rest)))) {
      close(opener, link(target?.[1].replace(/^<|>$/g, "")));
      // Links don't nest. An image is shown as a link to it; within a link, as its description.
      if (opener.mark === "[") openers = openers.filter(({ mark }) => !mark.endsWith("["));
      else if (openers.some(({ mark }) => mark === "[")) opener.element = node("span");
      return at + 1 + (target?.[0] ?? rest).length;
    }
    openers = openers.filter((other) => other !== opener);
    out.push("]");
    return at + 1;
  };
  const code = (ticks, at) => {
    const from = at + ticks.length;
    let end = unclosed.has(ticks) ? -1 : text.indexOf(ticks, from);
    if (end < 0) unclosed.add(ticks);
    if (end < 0 && isNearEnd(at)) end = text.length;
    out.push(end < 0 ? ticks : node("code", {}, text.slice(from, end).replace(/^ (.*\S.*) $/s, "$1")));
    return end < 0 ? from : end + ticks.length;
  };

  let at = 0;
  for (let found; (INLINE.lastIndex = at), (found = INLINE.exec(text)); ) {
    const [all, escaped, ticks, run, opening, closing, enclosedUrl, bareUrl] = found;
    const { index } = found;
    out.push(text.slice(at, index));
    at = index + all.length;
    if (escaped) out.push(escaped);
    else if (ticks) at = code(ticks, index);
    else if (run) emphasis(run, index);
    else if (opening) open(opening, index);
    else if (closing) at = closeBracket(index);
    else if (enclosedUrl) out.push(link(enclosedUrl, enclosedUrl));
    else if (bareUrl) {
      const url = withoutPunctuation(bareUrl);
      at = index + url.length;
      out.push(openers.some(({ mark }) => mark.endsWith("[")) ? url : link(url, url));
    } else out.push(node("br"));
  }
  out.push(text.slice(at));
  for (const opener of openers) {
    if (isNearEnd(opener.at)) opener.element = node(EMPHASIS[opener.mark] ?? "span");
  }
  return assemble(out);
}

/** Returns a bare URL without the punctuation of the sentence around it. */
function withoutPunctuation(url) {
  let end = url.length;
  while (/[.,:;!?'"*_~)]/.test(url[end - 1]) && !(url[end - 1] === ")" && url.includes("("))) end--;
  return url.slice(0, end);
}

/** Nests the parsed parts by their openers and ends. */
function assemble(parts) {
  const root = document.createDocumentFragment();
  const path = [root];
  for (const part of parts) {
    if (part?.element) path.push(path.at(-1).appendChild(part.element));
    else if (part) path.at(-1).append(part.mark ?? part);
    else if (part === null) {
      const closed = path.pop();
      // An image without a description shows its URL.
      if (closed.href && !closed.textContent) closed.append(closed.href);
    }
  }
  root.normalize();
  return root;
}
