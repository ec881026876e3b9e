import { node } from "./dom.js";
import { GrowingMarkdown } from "./growing-markdown.js";
import { patchChildren } from "./patch.js";
import { splitReasoning } from "./reasoning.js";
import { seenText, tree } from "./tree.js";
/** @import { Tree, TreeElement } from "./tree.js" */

/** The beginning of a tag, a character reference, an escape or a formula at the end of a text. */
const UNFINISHED_END = /(?:<\/?[a-z]{0,10}|&#?\w{0,10}|[\\$])$/i;

/** Shows a model's text, which grows: its reasoning, folded, and its answer in Markdown. */
export class MarkdownView {
  root = node("div", { class: "body" });
  #reasoning = new GrowingMarkdown();
  #answer = new GrowingMarkdown();
  /** @type {Tree[]} */
  #shown = [];
  /** @type {TreeElement[]} */
  #answerBlocks = [];

  /** The answer as it is seen, for announcing and copying it. An empty line separates its blocks. */
  get text() {
    return this.#answerBlocks.map(seenText).join("\n\n");
  }

  /**
   * Shows a text. `isPartial` says whether more of it may come; `target` is that of the links.
   * @param {string} text
   * @param {boolean} isPartial
   * @param {{ strings: { copy: string, code: string, reasoning: string }, target?: string }} options
   */
  show(text, isPartial, { strings, target = "_blank" }) {
    const lines = text.replace(/\r\n?/g, "\n");
    const known = isPartial ? lines.slice(0, -12) + lines.slice(-12).replace(UNFINISHED_END, "") : lines;
    const { reasoning, answer, isOpen } = splitReasoning(known);
    const thoughts = this.#reasoning.parse(reasoning, isPartial && isOpen, { strings, target });
    this.#answerBlocks = this.#answer.parse(answer, isPartial, { strings, target });
    const summary = tree("summary", {}, strings.reasoning);
    const folded = thoughts.length ? [tree("details", { part: "reasoning" }, summary, ...thoughts)] : [];
    const shown = [...folded, ...this.#answerBlocks];
    patchChildren(this.root, this.#shown, shown);
    this.#shown = shown;
  }
}
