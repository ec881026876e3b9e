import { parseBlocks } from "./markdown-blocks.js";
import { UNFINISHED } from "./markdown-lines.js";
/** @import { Context } from "./markdown-blocks.js" */
/** @import { TreeElement } from "./tree.js" */

/** Number of complete lines that say which block begins: a table begins with its second line. */
const LOOKAHEAD = 2;

/** Parses a Markdown text that grows. Only its end is parsed again: the blocks before it cannot change. */
export class GrowingMarkdown {
  #text = "";
  /**
   * The blocks that cannot change.
   * @type {TreeElement[]}
   */
  #settled = [];
  /** Where the text begins that follows them. */
  #from = 0;

  /**
   * Returns the blocks of a text. `isPartial` says whether more of it may come.
   * @param {string} text
   * @param {boolean} isPartial
   * @param {Pick<Context, "strings" | "target">} options
   */
  parse(text, isPartial, options) {
    if (!text.startsWith(this.#text)) {
      this.#settled = [];
      this.#from = 0;
    }
    this.#text = text;
    const lines = text.slice(this.#from).split("\n");
    if (isPartial && UNFINISHED.test(lines[lines.length - 1])) lines.pop();
    const { blocks, starts } = parseBlocks(lines, { ...options, isPartial, depth: 0 });
    const all = [...this.#settled, ...blocks];
    this.#settle(lines, blocks, starts);
    return all;
  }

  /**
   * Settles the blocks before the last one that surely begins.
   * @param {string[]} lines
   * @param {TreeElement[]} blocks
   * @param {number[]} starts
   */
  #settle(lines, blocks, starts) {
    const last = starts.findLastIndex((start) => start + LOOKAHEAD < lines.length);
    if (last <= 0) return;
    this.#settled.push(...blocks.slice(0, last));
    this.#from += lines.slice(0, starts[last]).join("\n").length + 1;
  }
}
