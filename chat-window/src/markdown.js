import { node } from "./dom.js";
import { parseBlocks } from "./markdown-blocks.js";
import { seenText } from "./markdown-text.js";

/** A last line that only begins something, such as a list item without text. It is hidden until more of it comes. */
const UNFINISHED = /^[\s>]*(?:[-+*_=#`~|]+|\d{1,9}[.)])\s*$/;

/** Shows a Markdown text that grows. Only the last block is rendered again: the blocks before it cannot change. */
export class MarkdownView {
  root = node("div", { class: "body", dir: "auto" });
  #text = "";
  /** Number of blocks before the last one. */
  #settledBlocks = 0;
  /** Where the last block begins in the text. */
  #from = 0;

  /** The text as it is seen, for announcing and copying it. */
  get text() {
    return seenText(this.root).trim();
  }

  /** Shows a text. `isPartial` says whether more of it may come; `target` is that of the links. */
  show(text, isPartial, { strings, target = "_blank" }) {
    text = text.replace(/\r\n?/g, "\n");
    if (!text.startsWith(this.#text)) this.#settledBlocks = this.#from = 0;
    this.#text = text;
    const lines = text.slice(this.#from).split("\n");
    if (isPartial && UNFINISHED.test(lines.at(-1))) lines.pop();
    const starts = [];
    const blocks = parseBlocks(lines, { isPartial, strings, target, depth: 0 }, starts);
    while (this.root.childNodes.length > this.#settledBlocks) this.root.lastChild.remove();
    this.root.append(...blocks);
    this.#settledBlocks += Math.max(blocks.length - 1, 0);
    for (const line of lines.slice(0, starts.at(-1) ?? 0)) this.#from += line.length + 1;
  }
}
