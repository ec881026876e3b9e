/**
 * `<al-chat-window>`: a chat window that any site can embed, with AL-Chat behind it.
 *
 *     <script type="module" src="https://chat.example/chat-window.js"></script>
 *     <al-chat-window></al-chat-window>
 *
 * One file without a dependency or a build. Attributes, events and words are described in `chat-window.d.ts`. From the
 * top: words and looks, nodes, Markdown, Server-Sent Events, files, failures, the element. Indentation and comments on
 * lines of their own are not served.
 */

/** The address that this script came from; the API is beside it. */
const HOME = new URL(".", import.meta.url).href;

const MOST_FILES = 10;
const LARGEST_FILE = 1 << 20;

/** So much of what was said before is sent along, in characters; a model that reads more is rare. */
const LONGEST_HISTORY = 400_000;

/** So much can be written in the portal, in characters. */
const LONGEST_IN_PORTAL = 500;

/** Between two tries to get back to a lost answer, in milliseconds. */
const PAUSES = [300, 700, 1500, 3000, 5000, 8000];

/** The server gives a sign of life every 15 s; a connection that is silent for so long is dead. */
const LONGEST_SILENCE = 45_000;

/** A place in the storage has one window; another one on the same page takes the next. */
const taken = new Set();

/** Every word of the window; sites replace them with their own. */
const ENGLISH = {
  heading: "Chat",
  greeting: "Hello! How can I help?",
  placeholder: "Write a message",
  conversation: "Conversation",
  you: "You",
  assistant: "Assistant",
  send: "Send",
  stop: "Stop",
  retry: "Try again",
  attach: "Attach text files",
  remove: "Remove {name}",
  drop: "Drop text files here",
  copy: "Copy",
  copied: "Copied",
  code: "Code",
  clear: "New conversation",
  open: "Open chat",
  close: "Close chat",
  writing: "The answer is on its way",
  stopped: "Stopped",
  cutShort: "The answer reached its length limit.",
  reconnecting: "The connection was lost. Reconnecting…",
  offline: "You are offline. The answer goes on as soon as you are back.",
  unreachable: "The chat cannot be reached. Check your connection, then try again.",
  interrupted: "The answer was cut off and cannot be continued. Try again to ask once more.",
  failed: "Something went wrong. Please try again.",
  wait: "You can try again in {seconds} s.",
  tooManyFiles: "At most {count} files can be attached.",
  fileTooLarge: "{name} is larger than 1 MB.",
  fileNotText: "{name} is not a text file.",
  filesLost: "The attached files were too large to be kept. Please attach them again.",
  errors: {},
};

/** A constructed sheet, which no site's policy forbids. Sites set the variables and the parts. */
const STYLE = `
:host {
  --accent: var(--al-chat-accent, light-dark(#3551c7, #9db1ff));
  --on-accent: var(--al-chat-on-accent, light-dark(#fff, #10142b));
  --background: var(--al-chat-background, light-dark(#fff, #17181d));
  --surface: var(--al-chat-surface, light-dark(#f3f4f8, #23252d));
  --text: var(--al-chat-text, light-dark(#1c1e26, #e8e9ef));
  --muted: var(--al-chat-muted, light-dark(#5b6072, #a5a9b8));
  --border: var(--al-chat-border, light-dark(#dfe1ea, #363945));
  --question: var(--al-chat-question, light-dark(#e8ecfc, #2d3557));
  --danger: var(--al-chat-danger, light-dark(#a4262c, #ffb3ae));
  --radius: var(--al-chat-radius, 1rem);
  --line: 1px solid var(--border);
  display: block;
  height: 100%;
  min-height: 22rem;
  max-height: 100dvh;
  color-scheme: light dark;
  font: 1rem/1.55 var(--al-chat-font, system-ui, sans-serif);
  text-align: start;
}
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; margin: 0; padding: 0; }
button, textarea { font: inherit; color: inherit; background: none; border: 1px solid transparent; }
button { cursor: pointer; border-radius: 0.6rem; padding: 0.2rem 0.7rem; }
[aria-disabled="true"] { cursor: default; opacity: 0.6; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg { width: 1.25rem; display: block; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round;
  stroke-linejoin: round; }
.icon { width: 2.5rem; height: 2.5rem; padding: 0; display: grid; place-items: center; flex: none; }
.quiet { color: var(--muted); }
.quiet:hover { color: var(--text); background: var(--border); }
.solid { background: var(--accent); color: var(--on-accent); border-radius: 0.8rem; }
.solid:hover { filter: brightness(1.1); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.panel { position: relative; display: flex; flex-direction: column; height: 100%; min-height: inherit;
  max-height: inherit; overflow: hidden; color: var(--text); background: var(--background); border: var(--line);
  border-radius: var(--radius); }
header { display: flex; align-items: center; min-height: 3.5rem; padding-inline: 1.1rem 0.5rem;
  border-bottom: var(--line); }
h2 { flex: 1; font-size: 1rem; }
.log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 1.1rem; outline-offset: -2px; }
.log, .turn { display: flex; flex-direction: column; gap: 1rem; }
:host([portal]) .log[aria-busy="true"] { visibility: hidden; }
.question { align-self: end; max-width: 85%; padding: 0.6rem 0.95rem; background: var(--question);
  border: 1px solid transparent; border-radius: 1.1rem; border-end-end-radius: 0.3rem; }
.answer, .text { overflow-wrap: anywhere; }
.text { white-space: pre-wrap; }
.note { color: var(--muted); font-size: 0.875rem; }
.chips { display: flex; flex-wrap: wrap; gap: 0.4rem; list-style: none; }
.chips li { display: flex; align-items: center; max-width: 100%; padding: 0.1rem 0.7rem; font-size: 0.875rem;
  background: var(--background); border: var(--line); border-radius: 0.7rem; }
.chips span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.chips .icon { width: 1.75rem; height: 1.75rem; margin-inline: 0.2rem -0.5rem; }
.chips svg { width: 0.9rem; }
.trouble { border: var(--line); border-radius: 0.8rem; padding: 0.6rem 0.9rem; color: var(--danger);
  font-size: 0.925rem; }
.trouble button { border-color: currentColor; margin-top: 0.5rem; }
.dots { display: flex; gap: 0.3rem; padding-block: 0.55rem; }
.dots i { width: 0.45rem; height: 0.45rem; border-radius: 50%; background: var(--muted); opacity: 0.5; }
form { margin: 0 0.8rem max(0.8rem, env(safe-area-inset-bottom)); border: var(--line); border-radius: 1.1rem;
  background: var(--surface); }
form:focus-within { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
form > .chips, form > .trouble { margin: 0.6rem 0.6rem 0; }
.row { display: flex; align-items: end; padding: 0.35rem; }
textarea { flex: 1; min-width: 0; border: 0; resize: none; max-height: 11rem; padding: 0.45rem 0.3rem;
  font-size: max(1rem, 16px); line-height: 1.5; }
textarea:focus-visible { outline: none; }
textarea::placeholder { color: var(--muted); opacity: 1; }
.drop { position: absolute; inset: 0.5rem; display: grid; place-items: center; border: 2px dashed var(--accent);
  border-radius: var(--radius); background: var(--background); opacity: 0.9; pointer-events: none; }
.launcher { width: 3.5rem; height: 3.5rem; border-radius: 50%; box-shadow: 0 6px 20px #0004; }
:host([mode="bubble"]) { position: fixed; bottom: max(1rem, env(safe-area-inset-bottom)); inset-inline-end: 1rem;
  z-index: 2147483000; height: auto; min-height: 0; }
:host([mode="bubble"]) .panel { width: min(26rem, 100vw - 2rem); height: min(42rem, 100dvh - 2rem);
  box-shadow: 0 12px 40px #0003; }
@media (max-width: 30rem) {
  :host([mode="bubble"]) .panel { position: fixed; inset: 0; width: auto; height: 100dvh; border: 0;
    border-radius: 0; padding-top: env(safe-area-inset-top); }
}
@media (prefers-reduced-motion: no-preference) {
  .dots i { animation: breathe 1.2s infinite; }
  .dots i + i { animation-delay: 0.15s; }
  .dots i + i + i { animation-delay: 0.3s; }
  @keyframes breathe { 40% { opacity: 1; transform: translateY(-0.15rem); } 80% { transform: none; } }
}
@media (forced-colors: active) { .solid, .question { border-color: ButtonText; } .dots i { background: CanvasText; } }
.body > *, blockquote > * { margin-block: 0.7rem; }
.body > :first-child, blockquote > :first-child { margin-top: 0; }
.body > :last-child, blockquote > :last-child { margin-bottom: 0; }
:is(h3, h4, h5, h6) { font-size: 1.05rem; line-height: 1.35; padding-top: 0.3rem; }
h3 { font-size: 1.2rem; }
.body :is(ul, ol) { padding-inline-start: 1.5rem; }
li > * { margin-block: 0.2rem; }
blockquote { border-inline-start: 3px solid var(--border); padding-inline-start: 0.9rem; color: var(--muted); }
a { color: var(--accent); }
hr { border: 0; border-top: var(--line); }
code { font: 0.875em/1.5 ui-monospace, monospace; background: var(--surface); border-radius: 0.3rem;
  padding: 0.1em 0.3em; }
.code, .table { border: var(--line); border-radius: 0.7rem; overflow: auto; }
.code > div { display: flex; justify-content: space-between; align-items: center; padding-inline: 0.9rem 0.3rem;
  background: var(--surface); color: var(--muted); font-size: 0.8125rem; }
pre { padding: 0.7rem 0.9rem; overflow-x: auto; direction: ltr; outline-offset: -2px; }
pre code { background: none; padding: 0; overflow-wrap: normal; }
table { border-collapse: collapse; width: 100%; font-size: 0.925rem; overflow-wrap: normal; }
th, td { padding: 0.4rem 0.8rem; text-align: start; }
th { background: var(--surface); }
td { border-top: var(--line); }
`;

/** Paths on a field of 24 by 24. */
const ICONS = {
  send: "M12 19V5m-6 6 6-6 6 6",
  stop: "M7 7h10v10H7z",
  attach: "m20 11-8.3 8.3a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7l-8.3 8.2a1.7 1.7 0 0 1-2.3-2.3L14.8 7",
  close: "m6 6 12 12M18 6 6 18",
  clear: "M12 5v14m-7-7h14",
  chat: "M20.5 12a8 8 0 0 1-11.7 7.1L4 20.5l1.3-4.8A8 8 0 1 1 20.5 12z",
};

/**
 * A node with attributes, listeners (functions) and children. Texts go in as text: nothing is ever read as markup.
 */
function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else made.setAttribute(key, String(value));
  }
  made.append(...children);
  return made;
}

/** One of the icons; its button has the words. */
function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = svg.appendChild(document.createElementNS(space, "path"));
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  return svg;
}

/** Puts values where a text names them in braces. */
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (braces, name) => String(values[name] ?? braces));

// Markdown. What a model says is hostile until proven otherwise: only the nodes made here exist, time is linear, and
// nesting is bounded. A text is `open` while it may go on: what has begun in it is shown as if it were complete, so
// that marks don't flash up as the words come in.

/** Nesting ends here: whoever nests deeper means no good. */
const DEEPEST = 12;
const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
const QUOTE = /^ {0,3}> ?/;
const MARKER = /^(\s*)([-*+]|\d{1,9}[.)])(\s+|$)/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
/** What begins a block without a blank line before it. */
const INTERRUPTS = /^ {0,3}(?:#{1,6}\s|>|```|~~~|[-*+]\s+\S|1[.)]\s+\S)/;
/** A last line that only begins something. */
const UNFINISHED = /^[\s>]*(?:[-+*_=#`~|]+|\d{1,9}[.)])\s*$/;
const INLINE =
  // An escape, backticks, emphasis, brackets, <address>, address, line break.
  /\\([!-/:-@[-`{-~])|(`+)|(\*+|_+|~~)|(!?\[)|(\])|<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>|(?<!\w)(https?:\/\/[^\s<>\]`]{1,2000})|\\?\n/g;
/** Where a link goes, in parentheses, perhaps with a title. */
const TARGET = /^\(\s*(<[^<>\n]*>|[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/;
/** What the marks of emphasis make. */
const TAGS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };

/** A link, or mere text where its address is not safe to follow: a script, data, or relative to nothing. */
function link(address, ...children) {
  const { protocol, href } = URL.canParse(address) ? new URL(address) : {};
  if (!["http:", "https:", "mailto:"].includes(protocol)) return node("span", {}, ...children);
  return node("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}

/** The text of a block: emphasis, code, links, line breaks. */
function inline(text, open) {
  // Texts and nodes, openers (which become nodes when they are closed, and else are the text they were), and for each
  // closed one `null` at its end.
  const out = [];
  let openers = [];
  const isNearEnd = (at) => open && text.length - at < 400;
  const none = new Set();

  const begin = (mark, at) => {
    const opener = { mark, at };
    out.push(opener);
    if (openers.push(opener) > 2 * DEEPEST) openers.shift();
  };
  const close = (opener, made) => {
    openers.length = openers.indexOf(opener);
    opener.made = made;
    out.push(null);
  };
  const emphasis = (run, at) => {
    const [before, after] = [text[at - 1] ?? " ", text[at + run.length] ?? (open ? "." : " ")];
    const isInWord = (next) => run[0] === "_" && /[\p{L}\p{N}]/u.test(next);
    let left = run.length;
    while (left < 4 && /\S/.test(before) && !isInWord(after)) {
      const opener = openers.findLast(({ mark }) => mark[0] === run[0]);
      if (!opener || opener.mark.length > left) break;
      left -= opener.mark.length;
      close(opener, node(TAGS[opener.mark]));
    }
    if (left > 3 || /\s/.test(after) || isInWord(before)) return out.push(run.slice(0, left));
    if (left > 1) begin(run[0].repeat(2), at);
    if (left % 2) begin(run[0], at);
  };
  const bracket = (at) => {
    const opener = openers.findLast(({ mark }) => mark.endsWith("["));
    const rest = text.slice(at + 1, at + 2100);
    const target = TARGET.exec(rest);
    if (opener && (target || (isNearEnd(at) && /^(\([^)\n]*)?$/.test(rest)))) {
      close(opener, link(target?.[1].replace(/^<|>$/g, "")));
      // A link holds no other one. An image is a link to it; within a link, its words.
      if (opener.mark === "[") openers = openers.filter(({ mark }) => !mark.endsWith("["));
      else if (openers.some(({ mark }) => mark === "[")) opener.made = node("span");
      return at + 1 + (target?.[0] ?? rest).length;
    }
    openers = openers.filter((other) => other !== opener);
    out.push("]");
    return at + 1;
  };
  const code = (ticks, at) => {
    const from = at + ticks.length;
    let end = none.has(ticks) ? -1 : text.indexOf(ticks, from);
    if (end < 0) none.add(ticks);
    if (end < 0 && isNearEnd(at)) end = text.length;
    out.push(end < 0 ? ticks : node("code", {}, text.slice(from, end).replace(/^ (.*\S.*) $/s, "$1")));
    return end < 0 ? from : end + ticks.length;
  };

  let at = 0;
  for (let found; (INLINE.lastIndex = at), (found = INLINE.exec(text)); ) {
    const [all, escaped, ticks, run, opening, closing, angled, bare] = found;
    const { index } = found;
    out.push(text.slice(at, index));
    at = index + all.length;
    if (escaped) out.push(escaped);
    else if (ticks) at = code(ticks, index);
    else if (run) emphasis(run, index);
    else if (opening) begin(opening, index);
    else if (closing) at = bracket(index);
    else if (angled) out.push(link(angled, angled));
    else if (bare) {
      const address = trimmed(bare);
      at = index + address.length;
      out.push(openers.some(({ mark }) => mark.endsWith("[")) ? address : link(address, address));
    } else out.push(node("br"));
  }
  out.push(text.slice(at));
  for (const opener of openers) {
    if (isNearEnd(opener.at)) opener.made = node(TAGS[opener.mark] ?? "span");
  }
  return assemble(out);
}

/** A bare address without what ends the sentence around it. */
function trimmed(address) {
  let end = address.length;
  while (/[.,:;!?'"*_~)]/.test(address[end - 1]) && !(address[end - 1] === ")" && address.includes("("))) end--;
  return address.slice(0, end);
}

/** The nodes of a text's parts, within each other as they were opened and closed. */
function assemble(parts) {
  const root = document.createDocumentFragment();
  const path = [root];
  for (const part of parts) {
    if (part?.made) path.push(path.at(-1).appendChild(part.made));
    else if (part) path.at(-1).append(part.mark ?? part);
    else if (part === null) {
      const done = path.pop();
      // An image without words: its address says what it is.
      if (done.href && !done.textContent) done.append(done.href);
    }
  }
  root.normalize();
  return root;
}

/** The blocks of a text. Each reader gives a block and the line behind it. */
function blocks(lines, on, starts = []) {
  const made = [];
  for (let at = 0; at < lines.length; ) {
    if (!lines[at].trim()) at++;
    else {
      const [block, next] = readerOf(lines, at, on)(lines, at, on);
      made.push(block);
      starts.push(at);
      at = next;
    }
  }
  return made;
}

/** What reads the block that begins here. */
function readerOf(lines, at, on) {
  const line = lines[at];
  if (on.depth > DEEPEST) return paragraph;
  if (FENCE.test(line)) return fence;
  if (HEADING.test(line)) return heading;
  if (RULE.test(line)) return () => [node("hr"), at + 1];
  if (QUOTE.test(line)) return quote;
  if (MARKER.test(line)) return list;
  return isTable(lines, at, on.open) ? table : paragraph;
}

/** What is within a block that ends here. */
const within = (on, lines, end) => ({ ...on, open: on.open && end >= lines.length, depth: on.depth + 1 });

function heading(lines, at, on) {
  const [, marks, text] = HEADING.exec(lines[at]);
  // Below the window's own heading, which is of the second level.
  const name = `h${Math.min(marks.length + 2, 6)}`;
  return [node(name, {}, inline(text.replace(/\s#+\s*$/, ""), within(on, lines, at + 1).open)), at + 1];
}

/** Code, with its language and a button that copies it. */
function fence(lines, at, { words }) {
  const [all, mark, label] = FENCE.exec(lines[at]);
  const isEnd = (line) => line.trim().length >= mark.length && !line.trim().replaceAll(mark[0], "");
  let end = at + 1;
  while (end < lines.length && !isEnd(lines[end])) end++;
  const text = lines.slice(at + 1, end).map((line) => line.slice(Math.min(indentOf(all), indentOf(line))));
  const copy = node("button", { type: "button", class: "copy quiet" }, words.copy);
  const head = node("div", {}, node("span", {}, label.trim().split(/\s/)[0] || words.code), copy);
  const pre = node("pre", { tabindex: 0 }, node("code", {}, text.join("\n")));
  return [node("div", { class: "code", part: "code" }, head, pre), end + 1];
}

const indentOf = (line) => line.search(/\S|$/);

function quote(lines, at, on) {
  let end = at;
  while (QUOTE.test(lines[end] ?? "")) end++;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [node("blockquote", {}, ...blocks(inside, within(on, lines, end))), end];
}

function list(lines, at, on) {
  const [, indent, sign] = MARKER.exec(lines[at]);
  const isNumbered = (sign) => sign.length > 1;
  const root = isNumbered(sign) ? node("ol", { start: parseInt(sign) }) : node("ul");
  while (at < lines.length && !RULE.test(lines[at])) {
    const marker = MARKER.exec(lines[at]);
    if (!marker || isNumbered(marker[2]) !== isNumbered(sign) || marker[1].length > indent.length + 1) break;
    const [item, next] = itemAt(lines, at, marker, indent.length + 2);
    root.append(node("li", {}, ...blocks(item, within(on, lines, next))));
    at = next;
  }
  return [root, at];
}

/** The lines of an item: those indented by `inner`, and those that go on with a paragraph of it. */
function itemAt(lines, at, [, indent, sign, blanks], inner) {
  const width = indent.length + sign.length + Math.min(blanks.length || 1, 4);
  const item = [lines[at].slice(width)];
  let isAfterBlank = false;
  for (at++; at < lines.length; at++) {
    const line = lines[at].replace(/^\t+/, (tabs) => tabs.replaceAll("\t", "    "));
    const isOutside = line.trim() && indentOf(line) < inner;
    if (isOutside && (isAfterBlank || MARKER.test(line) || INTERRUPTS.test(line))) break;
    isAfterBlank = !line.trim();
    item.push(line.slice(Math.min(indentOf(line), width)));
  }
  return [item, at];
}

/** The fields of a table's row. */
function cells(line) {
  const inside = line.trim().replace(/^\||(?<!\\)\|$/g, "");
  return inside.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** Whether a table begins here, or may once its second line is there. */
function isTable(lines, at, open) {
  const [line, next = ""] = lines.slice(at, at + 2);
  const mayBecomeOne = open && at + 2 >= lines.length && /^\s*\|/.test(line) && /^[-|: ]*$/.test(next);
  return mayBecomeOne || (line.includes("|") && cells(next).every((cell) => /^:?-+:?$/.test(cell)));
}

function table(lines, at, { open }) {
  const heads = cells(lines[at]);
  const row = (texts, name) => {
    const fields = texts.slice(0, heads.length).map((text) => node(name, {}, inline(text, open)));
    return node("tr", {}, ...fields);
  };
  const whole = node("table", {}, row(heads, "th"));
  for (at += 2; lines[at]?.includes("|"); at++) whole.append(row(cells(lines[at]), "td"));
  return [node("div", { class: "table", part: "table", tabindex: 0 }, whole), at];
}

function paragraph(lines, at, on) {
  let end = at;
  do end++;
  while (lines[end]?.trim() && !INTERRUPTS.test(lines[end]) && !RULE.test(lines[end]) && !isTable(lines, end));
  const text = lines.slice(at, end).map((line) => line.trim());
  return [node("p", {}, inline(text.join("\n"), within(on, lines, end).open)), end];
}

/** Shows a text that grows. Only its last block is made anew: those before it stay as they are. */
class Markdown {
  root = node("div", { class: "body", dir: "auto" });
  #text = "";
  #settled = 0;
  #from = 0;

  show(text, open, words) {
    text = text.replace(/\r\n?/g, "\n");
    if (!text.startsWith(this.#text)) this.#settled = this.#from = 0;
    this.#text = text;
    const rest = text.slice(this.#from);
    const lines = rest.split("\n");
    if (open && UNFINISHED.test(lines.at(-1))) lines.pop();
    const starts = [];
    const made = blocks(lines, { open, words, depth: 0 }, starts);
    while (this.root.childNodes.length > this.#settled) this.root.lastChild.remove();
    this.root.append(...made);
    this.#settled += Math.max(made.length - 1, 0);
    for (const line of lines.slice(0, starts.at(-1) ?? 0)) this.#from += line.length + 1;
  }
}

/** Reads Server-Sent Events (HTML Living Standard, 9.2.6) from pieces of text. */
function eventReader(dispatch) {
  let [line, event, data, id, isAfterReturn] = ["", "", "", "", false];
  const endLine = () => {
    const [, name, value = ""] = /^([^:]*)(?:: ?([^]*))?$/.exec(line);
    if (!line) {
      if (data) dispatch({ event, data: data.slice(0, -1), id });
      event = data = "";
    } else if (name === "event") event = value;
    else if (name === "data") data += value + "\n";
    else if (name === "id" && !value.includes("\0")) id = value;
  };
  return (piece) => {
    const [first, ...lines] = (isAfterReturn ? piece.replace(/^\n/, "") : piece).split(/\r\n|\r|\n/);
    if (piece) isAfterReturn = piece.endsWith("\r");
    line += first;
    for (const next of lines) {
      endLine();
      line = next;
    }
  };
}

/** The text of a file; none where it isn't one. Without control characters, it may be in an older encoding. */
async function textOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const decode = (encoding, fatal) => new TextDecoder(encoding, { fatal }).decode(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decode("utf-16le");
  if (bytes.some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27))) return undefined;
  try {
    return decode("utf-8", true);
  } catch {
    return decode("windows-1252");
  }
}

/** The connection was lost, or never made; the turn may go on. */
class Lost extends Error {}

/** The turn has ended without an answer; `told` says why. */
class Failed extends Error {
  constructor(told) {
    super(told.message);
    this.told = told;
  }
}

/** What an error body of AL-Chat means, as the answer to a request or, without a status, within a stream. */
function failure(body, words, status, wait) {
  const { error = "", code, request_id: requestId, details } = body;
  const isCutOff = /^(turn_interrupted|idempotency_key_reused|client_gone)$/.test(code);
  // A refusal cost nothing, and its key is free again. What may have cost something is never asked again by its key.
  const isSpent = isCutOff || !status || (code && status >= 500 && status !== 503);
  const said = isCutOff ? words.interrupted : error.replace(/[^.!?]$/, "$&.") || words.failed;
  const retryAfter = Number(wait ?? details?.retry_after_seconds) || 0;
  return new Failed({ message: words.errors[code] ?? said, code, status, requestId, retryAfter, isSpent });
}

/** Where a turn belongs. */
const sessionOf = ({ session }) => (session ? { "X-Session-ID": session } : {});

/** Whether the same may be asked again; what was refused for what it is must be changed. */
const mayRetry = ({ failure }) => ![400, 413, 415].includes(failure?.status);

/** A question as the model has read it, its files first; or, where they are too long, their names. */
function questionOf({ text, files }, isWhole) {
  const parts = files.map(({ name, content }, index) => {
    const head = `[Attached file ${index + 1}: ${name}]`;
    return isWhole && content !== null ? `${head}\n\n${content}` : head;
  });
  return [...parts, text].join("\n\n---\n\n");
}

/** Names a button, for those who see it and those who don't. */
const label = (button, name) => (button.ariaLabel = button.title = name);

/** Unique; `randomUUID` is for secure contexts only. */
const newKey = () => crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join("-");

const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);

/**
 * The element. A turn is `{ text, files, answer, status, finish, key, session, requestId, seen, as, failure }`: a
 * question and its answer, its status `going`, `done`, `stopped` or `failed`, its names at the server, and the number
 * of the last event that was seen.
 */
export class AlChatWindow extends HTMLElement {
  static observedAttributes = ["heading", "greeting", "placeholder", "mode", "strings", "persona", "portal"];

  #strings = {};
  #turns = [];
  #session;
  #files = [];
  #views = new Map();
  #place = "";
  #isOpen = false;
  #announced = 0;
  #timer = 0;
  #cost = 0;
  #clock = 0;
  /** Ends what listens to the page. */
  #presence;
  /** Ends the connection of the turn that goes on. */
  #connection = new AbortController();
  /** Whoever takes the latest turn; the one before gives way, and so does what was read of the conversation before. */
  #runner;
  /** The persona's own words. */
  #persona;
  /** What the server has to know before it forgets, and what it has to forget before the next question. */
  #stopping;
  #forgetting;
  #arriving;
  /** Whether the server may know more of the conversation. */
  #isBehind = false;
  #starting;
  #parts = this.#build();

  /** Words that replace others, above those of the attribute. */
  get strings() {
    return this.#strings;
  }

  set strings(strings) {
    this.#strings = strings;
    this.#label();
  }

  /** Whether an answer is being written. */
  get busy() {
    return this.#last?.status === "going";
  }

  /** Asks something, with the files that are attached: this, or what the visitor has written, which else stays. */
  send(given) {
    const { input, log } = this.#parts;
    const text = given ?? input.value;
    const files = this.#files;
    if (this.busy || !(text.trim() || files.length)) return;
    const said = (name) => this.getAttribute(name)?.trim() || undefined;
    const as = { username: said("username"), model: said("model"), persona: said("persona") };
    const turn = { text, files, answer: "", status: "going", key: newKey(), seen: 0, as };
    this.#turns.push(turn);
    this.#give(given === undefined ? "" : input.value, []);
    log.ariaBusy = false;
    this.#tell("message", { text, files: files.map(({ name }) => name) });
    this.#scroll();
    this.#run(turn);
  }

  /** Stops the answer; what was said so far stays. */
  stop() {
    const turn = this.#last;
    if (!this.busy) return;
    this.#end(turn, "stopped");
    this.#tell("answer", { text: turn.answer, finishReason: "stopped", requestId: turn.requestId });
    // Else it is stopped as soon as its id is known.
    if (!turn.requestId) return;
    this.#connection.abort();
    this.#stopAtServer(turn);
  }

  /** Asks again what has failed. */
  retry() {
    const turn = this.#last;
    if (turn?.status !== "failed" || turn.until > Date.now()) return;
    if (turn.failure.isSpent) Object.assign(turn, { key: newKey(), session: undefined });
    if (!turn.failure.isLost) Object.assign(turn, { requestId: undefined, answer: "" });
    Object.assign(turn, { status: "going", failure: undefined });
    this.#draw();
    this.focus();
    this.#tell("retry");
    this.#run(turn);
  }

  /** Begins a new conversation. */
  clear() {
    this.stop();
    const turns = this.#turns;
    this.#runner = {};
    this.#show([]);
    this.#tell("clear");
    this.focus();
    if (this.portal) this.#forgetting = this.#forget(turns);
  }

  open() {
    this.#toggle(true);
  }

  close() {
    this.#toggle(false);
  }

  focus() {
    this.#parts.input.focus();
  }

  connectedCallback() {
    this.#presence = new AbortController();
    const { signal } = this.#presence;
    addEventListener("pagehide", () => this.#leave(), { signal });
    // One who is back may have a connection that doesn't know yet that it is dead.
    addEventListener("online", () => this.#connection.abort(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.#refresh(), { signal });
    this.#load();
    this.#label();
    this.#scroll();
    if (this.busy) this.#run(this.#last);
    this.#arrive();
  }

  disconnectedCallback() {
    this.#presence.abort();
    this.#connection.abort();
    taken.delete(this.#place);
    // One that was only moved is back by then.
    queueMicrotask(() => this.isConnected || this.#leave());
  }

  attributeChangedCallback(name) {
    if (!this.isConnected) return;
    if (["persona", "portal"].includes(name)) {
      this.#persona = undefined;
      this.#arrive();
    }
    this.#label();
  }

  /** Whether the conversation is the server's, which knows the visitor by a cookie. */
  get portal() {
    return this.hasAttribute("portal");
  }

  set portal(isOne) {
    this.toggleAttribute("portal", isOne);
  }

  get #last() {
    return this.#turns.at(-1);
  }

  get #words() {
    const words = { ...ENGLISH, ...this.#persona, ...parsed(this.getAttribute("strings")), ...this.#strings };
    for (const name of ["heading", "greeting", "placeholder"]) words[name] = this.getAttribute(name) ?? words[name];
    return words;
  }

  /** Learns what the server knows. In the portal it is shown at once, so that nothing jumps. */
  async #arrive() {
    const { log } = this.#parts;
    log.ariaBusy = true;
    await (this.#arriving = Promise.all([this.#meet(), this.#refresh()]));
    log.ariaBusy = false;
  }

  /** Learns the persona's own words. Until then, there are none. */
  async #meet() {
    const id = this.getAttribute("persona");
    if (!id || this.#persona) return;
    this.#persona = { heading: "", greeting: "" };
    this.#label();
    const known = await this.#get("personas");
    if (id !== this.getAttribute("persona")) return;
    const { name, greeting } = known?.find((persona) => persona.id === id) ?? {};
    this.#persona = name && { heading: name, assistant: name, greeting: greeting || ENGLISH.greeting };
    this.#label();
  }

  /** Shows what the server has of the conversation. What it didn't answer, or not yet, is known here alone. */
  async #refresh() {
    // Who takes no cookies is nobody there.
    if ((this.#isBehind = this.busy) || !this.portal || !navigator.cookieEnabled) return;
    const runner = this.#runner;
    await this.#forgetting;
    const told = await this.#get("../chat_history");
    if (!told || (this.#isBehind = this.busy) || this.#runner !== runner) return;
    const turns = [];
    for (const { role, content } of told.history) {
      if (role === "user") turns.push({ text: content, files: [], answer: "", status: "done" });
      else if (turns.length) turns.at(-1).answer = content;
    }
    const open = this.#turns.slice(-1).filter(({ status, answer }) => status === "failed" || !answer);
    const known = this.#turns.slice(0, this.#turns.length - open.length);
    // One whose connection was lost may have been answered all the same.
    if (turns.length > known.length && turns.at(-1).text === open[0]?.text.trim()) open.pop();
    const said = (turns) => JSON.stringify(turns.map(({ text, answer }) => [text.trim(), answer]));
    if (said(turns) !== said(known)) this.#show([...turns, ...open]);
  }

  /** Has the server forget the conversation, too. */
  async #forget(turns) {
    await this.#stopping;
    const response = await this.#fetch("../clear_chat", { method: "POST", keepalive: true }).catch(() => {});
    if (response?.ok) return;
    if (!this.#last) this.#show(turns);
    this.#complain(this.#words.failed);
    this.#refresh();
  }

  /** Shows another conversation, where one was reading. */
  #show(turns) {
    const { log } = this.#parts;
    const { scrollTop } = log;
    const isAtEnd = this.#isAtEnd();
    this.#turns = turns;
    this.#save();
    this.#label();
    if (!isAtEnd) log.scrollTop = scrollTop;
  }

  /** What was said in this tab before. Storage may be forbidden: then the conversation lives as long as the page. */
  #load() {
    const name = ["al-chat-window", this.#api, this.getAttribute("persona"), this.id].join(" ");
    for (let number = 1; taken.has((this.#place = `${name} ${number}`)); number++);
    taken.add(this.#place);
    if (this.#turns.length) return;
    try {
      this.#turns = parsed(sessionStorage.getItem(this.#place)) ?? [];
    } catch {
      // Forbidden.
    }
  }

  /** Keeps the conversation; without the files' texts where they are too large for that. */
  #save() {
    const keep = (turns) => sessionStorage.setItem(this.#place, JSON.stringify(turns));
    const withoutContent = (turn) => ({ ...turn, files: turn.files.map(({ name }) => ({ name, content: null })) });
    try {
      keep(this.#turns);
    } catch {
      try {
        keep(this.#turns.map(withoutContent));
      } catch {
        // Forbidden or full: a reload begins anew.
      }
    }
  }

  /**
   * The page goes, and nobody can tell whether it comes back: reloaded, from the browser's cache, or never. So its
   * session ends here, with what was counted until now. The conversation stays, and goes on in a session of its own; an
   * answer that is still being written is read in the old one. (A phone may kill a page without a word. Then the server
   * closes the session when it has been idle for long.)
   */
  #leave() {
    this.#save();
    if (!this.#session) return;
    const { id, since, counts } = this.#session;
    const metrics = { ...counts, seconds: Math.round((Date.now() - since) / 1000) };
    // As plain text it needs no preflight, for which there is no time.
    const body = new Blob([JSON.stringify({ session_id: id, metrics })], { type: "text/plain" });
    navigator.sendBeacon(this.#url("session/stop"), body);
    this.#session = undefined;
  }

  /** Begins a session. */
  async #begin() {
    const response = await this.#fetch("session/start", { method: "POST" });
    if (!response.ok) throw await this.#refusal(response);
    const { session_id: id } = await response.json().catch(lost);
    const counts = { messages: 0, answers: 0, errors: 0, stopped: 0, files: 0 };
    this.#session = { id, since: Date.now(), counts };
    this.#tell("session", { sessionId: id });
  }

  #count(name, by = 1) {
    if (this.#session) this.#session.counts[name] += by;
  }

  /**
   * Takes a turn to its end, over as many connections as that needs. Each try is safe: it goes on where the last one
   * was lost, or asks again by the same key, which the server answers once.
   */
  async #run(turn) {
    const runner = (this.#runner = {});
    const goesOn = () => turn.status === "going" && this.isConnected && this.#runner === runner;
    for (let tries = 0; goesOn(); ) {
      this.#connection = new AbortController();
      try {
        await this.#read(turn, this.#connection, () => (tries = 0));
      } catch (error) {
        if (!goesOn()) return;
        if (error instanceof Failed) this.#fail(turn, error.told);
        else if (tries < PAUSES.length) tries += await this.#pause(PAUSES[tries]);
        else this.#fail(turn, { message: this.#words.unreachable, isLost: true });
      }
    }
  }

  /**
   * Waits until another try makes sense. Returns whether it counts: being offline is nobody's failure. Some are told to
   * be offline who are not, so that it is tried now and then.
   */
  #pause(time) {
    const isOffline = navigator.onLine === false;
    this.#note(isOffline ? this.#words.offline : this.#words.reconnecting);
    this.#connection = new AbortController();
    return new Promise((resolve) => {
      setTimeout(resolve, isOffline ? 15_000 : time, isOffline ? 0 : 1);
      this.#connection.signal.addEventListener("abort", () => resolve(0));
    });
  }

  /** Reads what is left of an answer. */
  async #read(turn, connection, progressed) {
    if (!turn.session) {
      if (!this.#session) await (this.#starting ??= this.#begin().finally(() => (this.#starting = undefined)));
      turn.session = this.#session.id;
      this.#count("messages");
      this.#count("files", turn.files.length);
      this.#save();
    }
    const isBack = turn.requestId !== undefined;
    const response = await (isBack ? this.#comeBack(turn, connection) : this.#ask(turn, connection));
    if (isBack && (!response.ok || response.status === 204)) {
      // The answer may be numbered otherwise by now, or be too long ago: then its key knows what became of it.
      if (response.status === 400 && turn.seen) turn.seen = 0;
      else if ([204, 400, 404].includes(response.status)) turn.requestId = undefined;
      else throw new Lost();
      return;
    }
    if (!response.ok) throw await this.#refusal(response);
    if (!isBack) Object.assign(turn, { requestId: response.headers.get("x-request-id") ?? undefined, seen: 0 });
    if (turn.status !== "going") {
      connection.abort();
      return this.#stopAtServer(turn);
    }
    this.#save();
    const take = eventReader((event) => {
      progressed();
      this.#take(turn, event);
    });
    await this.#pieces(response, connection, take);
    if (turn.status === "going") throw new Lost();
  }

  /** Asks the question. */
  async #ask(turn, { signal }) {
    // With the first answer comes the cookie.
    if (this.portal) await this.#arriving;
    await this.#forgetting;
    if (turn.status !== "going") throw new Lost();
    const { text: message, files, key } = turn;
    if (files.some(({ content }) => content === null)) {
      throw new Failed({ message: this.#words.filesLost, status: 400 });
    }
    const { username, ...as } = turn.as;
    const speaker = username && { username, isGuest: false };
    const further = !this.portal && { history: this.#history(turn), attached_files: files, ...as, ...speaker };
    const body = JSON.stringify({ message, stream: true, ...further });
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key, ...sessionOf(turn) };
    return this.#fetch(this.portal ? "../chat" : "chat", { method: "POST", headers, body, signal });
  }

  /** Asks for the rest of the answer. */
  #comeBack(turn, { signal }) {
    const seen = turn.seen ? { "Last-Event-ID": turn.seen } : {};
    return this.#fetch(`chat/${turn.requestId}/events`, { headers: { ...sessionOf(turn), ...seen }, signal });
  }

  /** What was said before, as far as there is room for it, the latest first. */
  #history(turn) {
    const turns = this.#turns;
    const history = [];
    let room = LONGEST_HISTORY;
    for (const past of turns.slice(0, turns.indexOf(turn)).reverse()) {
      if (past.status === "failed") continue;
      const size = (question) => question.length + past.answer.length;
      const question = [true, false].map((isWhole) => questionOf(past, isWhole)).find((it) => size(it) <= room);
      if (question === undefined) break;
      room -= size(question);
      if (past.answer) history.unshift({ role: "assistant", content: past.answer });
      history.unshift({ role: "user", content: question });
    }
    return history;
  }

  /** Hands on a body as it comes, until nobody wants it or its connection is silent for too long. */
  async #pieces(response, connection, take) {
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const silence = setTimeout(() => connection.abort(), LONGEST_SILENCE);
      const { done, value } = await reader.read().catch(lost).finally(() => clearTimeout(silence));
      if (done) return;
      take(decoder.decode(value, { stream: true }));
    }
  }

  /** Takes an event of the answer, if it isn't known already. */
  #take(turn, { event, data, id }) {
    if (turn.status !== "going" || Number(id) <= turn.seen) return;
    const told = JSON.parse(data);
    turn.seen = Number(id);
    if (event === "start") Object.assign(turn, { requestId: told.request_id, answer: "" });
    else if (event === "delta") turn.answer += told.content;
    else if (event === "error") throw failure(told, this.#words);
    else if (event === "done") {
      const { message: text, finish_reason: finishReason, model, usage, request_id: requestId } = told;
      Object.assign(turn, { answer: text, finish: finishReason });
      this.#end(turn, finishReason === "stopped" ? "stopped" : "done");
      this.#tell("answer", { text, finishReason, model, usage, requestId });
    }
    // Four fifths of the time are the page's, however long the answer is.
    this.#timer ||= setTimeout(() => this.#draw(), Math.max(16, 4 * this.#cost));
  }

  /** The turn has failed, for now. */
  #fail(turn, failure) {
    const { message, code, status, requestId, retryAfter = 0 } = failure;
    Object.assign(turn, { failure, until: Date.now() + 1000 * retryAfter });
    this.#end(turn, "failed");
    // What has to be changed is given back for that.
    if (!mayRetry(turn) && !this.#parts.input.value && !this.#files.length) {
      this.#give(turn.text, turn.files.filter(({ content }) => content !== null));
    }
    this.#tell("error", { message, code, status, requestId, retryAfter });
  }

  /** The turn is over. */
  #end(turn, status) {
    turn.status = status;
    this.#count({ done: "answers", failed: "errors", stopped: "stopped" }[status]);
    this.#save();
    this.#draw();
    this.#announce(turn);
    // What is stopped is known there a little later.
    if (this.#isBehind && status !== "stopped") this.#refresh();
    this.#parts.status.textContent = turn.failure?.message ?? (status === "stopped" ? this.#words.stopped : "");
  }

  /** Should it fail, the server stops the turn when nobody has read it for a while. */
  #stopAtServer(turn) {
    const options = { method: "POST", headers: sessionOf(turn), keepalive: true };
    this.#stopping = this.#fetch(`chat/${turn.requestId}/stop`, options).catch(() => {});
  }

  get #api() {
    const api = this.getAttribute("api");
    return api ? new URL(api.replace(/\/?$/, "/"), document.baseURI).href : HOME;
  }

  #url(path) {
    return new URL(`api/${path}`, this.#api).href;
  }

  /** Without cookies: none are needed but in the portal, whose own paths are beside `api/`. */
  #fetch(path, options) {
    const credentials = this.portal ? "same-origin" : "omit";
    return fetch(this.#url(path), { credentials, cache: "no-store", ...options }).catch(lost);
  }

  /** What the server tells; nothing where it doesn't, or not soon. */
  async #get(path) {
    const response = await this.#fetch(path, { signal: AbortSignal.timeout(5000) }).catch(() => {});
    return response?.ok ? response.json().catch(() => {}) : undefined;
  }

  /** What a refusal means. One that isn't in AL-Chat's words is a proxy's: the turn may go on behind it. */
  async #refusal(response) {
    const body = await response.json().catch(() => ({}));
    if (!body.code && response.status > 501) return new Lost();
    return failure(body, this.#words, response.status, response.headers.get("retry-after"));
  }

  /** Tells the site. */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`al-chat:${name}`, { detail, bubbles: true, composed: true }));
  }

  /** Makes all that is always there. */
  #build() {
    const button = (name, click, look = "quiet") =>
      node("button", { type: "button", class: `icon ${look}`, part: `button ${name}`, click }, icon(name));
    const heading = node("h2", { id: "heading", part: "heading" });
    const clear = button("clear", () => this.clear());
    const close = button("close", () => this.close());
    const greeting = node("div", { class: "answer text", part: "answer greeting", dir: "auto" });
    const log = node("div", { class: "log", part: "log", role: "log", "aria-live": "off", tabindex: 0 });
    // Answers grow word by word; these tell them sentence by sentence, and what happens.
    const live = node("div", { class: "unseen", "aria-live": "polite" });
    const status = node("div", { class: "unseen", role: "status" });
    const chips = node("ul", { class: "chips" });
    const complaint = node("div", { class: "trouble", part: "error", role: "alert", hidden: "" });
    const input = node("textarea", { rows: 1, part: "input", dir: "auto", enterkeyhint: "send" });
    const change = () => this.#attach([...picker.files]).then(() => (picker.value = ""));
    const picker = node("input", { type: "file", multiple: "", hidden: "", change });
    const attach = button("attach", () => picker.click());
    const send = button("send", () => this.send(), "solid");
    const stop = button("stop", () => (this.stop(), this.focus()), "solid");
    const row = node("div", { class: "row" }, attach, input, send, stop);
    const form = node("form", { part: "composer" }, chips, complaint, picker, row);
    const drop = node("div", { class: "drop", part: "drop", hidden: "" });
    const header = node("header", { part: "header" }, heading, clear, close);
    const panel = node("section", { class: "panel", part: "panel", "aria-labelledby": "heading" });
    panel.append(header, log, form, drop, status, live);
    const launcher = button("chat", () => this.open(), "solid launcher");
    const on = (target, events) => {
      for (const [name, react] of Object.entries(events)) target.addEventListener(name, react);
    };
    on(log, { click: (event) => this.#copy(event.target) });
    on(input, { keydown: (event) => this.#key(event), input: () => this.#grow() });
    on(panel, {
      keydown: ({ key, isComposing }) => key === "Escape" && !isComposing && (this.busy ? this.stop() : this.close()),
      paste: (event) => this.#attachFrom(event, event.clipboardData),
      drop: (event) => this.#attachFrom(event, event.dataTransfer),
      dragover: (event) => this.#drag(event, true),
      dragleave: (event) => this.#drag(event, panel.contains(event.relatedTarget)),
    });
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(launcher, panel);
    const shown = { panel, heading, greeting, log, live, status, chips, complaint, input, drop };
    return { ...shown, clear, close, attach, send, stop, launcher };
  }

  /** Puts the words in their places, and shows all anew. */
  #label() {
    const words = this.#words;
    const { heading, greeting, log, input, drop, panel, close, launcher, ...parts } = this.#parts;
    const isBubble = this.getAttribute("mode") === "bubble";
    heading.textContent = words.heading;
    greeting.textContent = words.greeting;
    drop.textContent = words.drop;
    log.ariaLabel = words.conversation;
    input.placeholder = input.ariaLabel = words.placeholder;
    for (const name of ["clear", "attach", "send", "stop"]) label(parts[name], words[name]);
    label(close, words.close);
    label(launcher, words.open);
    panel.role = isBubble ? "dialog" : "region";
    close.hidden = !isBubble;
    parts.attach.hidden = this.portal;
    if (this.portal) input.maxLength = LONGEST_IN_PORTAL;
    else input.removeAttribute("maxlength");
    panel.hidden = isBubble && !this.#isOpen;
    launcher.hidden = !isBubble || this.#isOpen;
    this.#views.clear();
    log.replaceChildren(...(words.greeting ? [greeting] : []));
    this.#draw();
  }

  /** Opens or closes a bubble; the focus goes along. */
  #toggle(isOpen) {
    if (this.getAttribute("mode") !== "bubble" || isOpen === this.#isOpen) return;
    const { panel, launcher, input } = this.#parts;
    this.#isOpen = isOpen;
    panel.hidden = !isOpen;
    launcher.hidden = isOpen;
    this.#grow();
    this.#scroll();
    (isOpen ? input : launcher).focus();
    this.#tell(isOpen ? "open" : "close");
  }

  /** Shows everything as it is now. */
  #draw() {
    const began = performance.now();
    clearTimeout(this.#timer);
    this.#timer = 0;
    const { send, stop, clear, chips } = this.#parts;
    const isAtEnd = this.#isAtEnd();
    for (const turn of this.#turns) this.#drawTurn(turn);
    send.hidden = this.busy;
    stop.hidden = !this.busy;
    clear.hidden = !this.#last;
    chips.replaceChildren(...this.#files.map((file) => this.#chip(file)));
    chips.hidden = !this.#files.length;
    this.#grow();
    if (isAtEnd) this.#scroll();
    if (this.busy) this.#announce(this.#last);
    this.#cost = performance.now() - began;
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#parts.log;
    return scrollHeight - scrollTop - clientHeight < 60;
  }

  #scroll() {
    const { log } = this.#parts;
    log.scrollTop = this.#last ? log.scrollHeight : 0;
  }

  /** Makes the field as high as its text. */
  #grow() {
    const { input } = this.#parts;
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
  }

  /** Shows a turn as it is now. */
  #drawTurn(turn) {
    const view = this.#views.get(turn) ?? this.#view(turn);
    const { status, answer, finish } = turn;
    const shown = [status, answer.length, turn === this.#last].join();
    if (view.shown === shown) return;
    view.shown = shown;
    const words = this.#words;
    view.markdown.show(answer, status === "going", words);
    const note = (text) => node("div", { class: "note" }, text);
    const dots = () => node("div", { class: "dots" }, node("i"), node("i"), node("i"));
    const after = [];
    if (status === "going" && !answer) after.push(dots());
    if (status === "stopped") after.push(note(words.stopped));
    if (finish === "length") after.push(note(words.cutShort));
    if (turn.failure) after.push(this.#trouble(turn, words));
    view.after.replaceChildren(...after);
  }

  /** The places of a turn's parts. */
  #view(turn) {
    const { you, assistant } = this.#words;
    const by = (who) => node("span", { class: "unseen" }, `${who}: `);
    const question = node("div", { class: "question", part: "question" }, by(you));
    const chips = turn.files.map(({ name }) => node("li", { part: "chip" }, node("span", {}, name)));
    if (chips.length) question.append(node("ul", { class: "chips" }, ...chips));
    question.append(node("div", { class: "text", dir: "auto" }, turn.text));
    const view = { markdown: new Markdown(), after: node("div"), shown: "" };
    const answer = node("div", { class: "answer", part: "answer" }, by(assistant), view.markdown.root, view.after);
    this.#parts.log.append(node("div", { class: "turn" }, question, answer));
    this.#views.set(turn, view);
    return view;
  }

  /** What went wrong, and what to do about it. */
  #trouble(turn, words) {
    const trouble = node("div", { class: "trouble", part: "error" }, node("p", {}, turn.failure.message));
    trouble.title = turn.failure.requestId ?? "";
    if (turn !== this.#last || !mayRetry(turn)) return trouble;
    const wait = node("p");
    const retry = node("button", { type: "button", part: "retry", click: () => this.retry() }, words.retry);
    trouble.append(wait, retry);
    const tick = () => {
      const seconds = Math.ceil((turn.until - Date.now()) / 1000);
      wait.textContent = seconds > 0 ? fill(words.wait, { seconds }) : "";
      retry.ariaDisabled = seconds > 0;
    };
    clearInterval(this.#clock);
    this.#clock = setInterval(tick, 500);
    tick();
    return trouble;
  }

  /** Says what the turn that goes on waits for. */
  #note(text) {
    const view = this.#views.get(this.#last);
    this.#parts.status.textContent = text;
    view.after.replaceChildren(node("div", { class: "note" }, text));
    // With the next word, it is drawn anew.
    view.shown = "";
  }

  /** Tells the sentences that are complete, for those who hear the window. */
  #announce({ answer, status }) {
    const { live, status: what } = this.#parts;
    const isGoing = status === "going";
    if (!answer || answer.length < this.#announced) {
      this.#announced = 0;
      live.replaceChildren();
      if (isGoing) what.textContent = this.#words.writing;
    }
    const rest = answer.slice(this.#announced);
    const ends = [". ", "! ", "? ", "。", "\n"].map((mark) => rest.lastIndexOf(mark) + 1);
    const end = isGoing ? Math.max(...ends) : rest.length;
    if (!end || (isGoing && end < 80)) return;
    this.#announced += end;
    what.textContent = "";
    live.append(node("p", {}, rest.slice(0, end).replace(/[*_`#>|~]+/g, "")));
  }

  /** Says what is wrong with a file; nothing any more without a text. */
  #complain(text) {
    const { complaint } = this.#parts;
    complaint.textContent = text;
    complaint.hidden = !text;
  }

  #key(event) {
    // While a word is being composed, Enter chooses it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.send();
  }

  /** Copies the code whose button this is. */
  async #copy(target) {
    const button = target.closest(".copy");
    if (!button) return;
    const code = button.closest(".code").querySelector("code");
    const { copy, copied } = this.#words;
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = this.#parts.status.textContent = copied;
      setTimeout(() => (button.textContent = copy), 2000);
    } catch {
      // Where it is forbidden, the text is at least chosen.
      getSelection().selectAllChildren(code);
    }
  }

  /** Puts text and files before the visitor, to be sent. */
  #give(text, files) {
    this.#parts.input.value = text;
    this.#files = files;
    this.#complain("");
    this.#draw();
  }

  /** A file that is to be sent, with a button that removes it. */
  #chip(file) {
    const click = () => {
      this.#give(this.#parts.input.value, this.#files.filter((other) => other !== file));
      this.focus();
    };
    const remove = node("button", { type: "button", class: "icon quiet", click }, icon("close"));
    label(remove, fill(this.#words.remove, file));
    return node("li", { part: "chip" }, node("span", {}, file.name), remove);
  }

  /** Takes the files that can be sent, and says what is wrong with the others. */
  async #attach(chosen) {
    const words = this.#words;
    const complaints = new Set();
    for (const file of chosen) {
      const { name, size } = file;
      const content = size > LARGEST_FILE ? undefined : await textOf(file).catch(() => undefined);
      if (size > LARGEST_FILE) complaints.add(fill(words.fileTooLarge, { name }));
      else if (content === undefined) complaints.add(fill(words.fileNotText, { name }));
      else if (this.#files.length >= MOST_FILES) complaints.add(fill(words.tooManyFiles, { count: MOST_FILES }));
      else this.#files.push({ name, content });
    }
    this.#draw();
    this.#complain([...complaints].join(" "));
    this.focus();
  }

  #attachFrom(event, { files }) {
    this.#parts.drop.hidden = true;
    if (this.portal || !files.length) return;
    event.preventDefault();
    this.#attach([...files]);
  }

  #drag(event, isOver) {
    if (this.portal || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.#parts.drop.hidden = !isOver;
  }
}

/** What JSON says; nothing where it is none. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** For promises that fail when a connection does. */
function lost() {
  throw new Lost();
}

for (const name of ["api", "heading", "greeting", "placeholder", "username", "model", "persona", "mode", "theme"]) {
  Object.defineProperty(AlChatWindow.prototype, name, {
    get() {
      return this.getAttribute(name);
    },
    set(value) {
      if (value === null) this.removeAttribute(name);
      else this.setAttribute(name, value);
    },
  });
}

if (!customElements.get("al-chat-window")) customElements.define("al-chat-window", AlChatWindow);
