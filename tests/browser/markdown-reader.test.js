// The Markdown reader by itself: its time, and that a text in pieces is read as the whole text.
import assert from "node:assert/strict";
import { test } from "node:test";

import { GrowingMarkdown } from "../../chat-window/src/growing-markdown.js";
import { splitReasoning } from "../../chat-window/src/reasoning.js";

const OPTIONS = { strings: { copy: "Copy", code: "Code" }, target: "_blank" };

/** Reads a text, first as one that may go on. */
function read(text) {
  const { reasoning, answer } = splitReasoning(text);
  for (const part of [reasoning, answer]) {
    const reader = new GrowingMarkdown();
    reader.parse(part, true, OPTIONS);
    reader.parse(part, false, OPTIONS);
  }
}

const PATTERNS = [
  "*a ", "*a_b", "**a *b ", "_a ", "*_", "***", "~~a", "a** b", "**a** ", "[", "![", "](", "[a](", "[a](b ", '[a](b "', "[a]", "[[a]",
  '](a "', "](<", "](a(b)", `[a](${" ".repeat(2000)}x`, "`", "`a``b", "``` ", "```\n", "a ```\n", "> ", ">", "> > > ", "- ", "-  - ",
  "- - - ", "- - - - x\n", "1. ", "1. 2. ", "1986. ", "  - a\n", "- a\n\n", "- a\n  - b\n    - c\n", "- ```\n", "- [ ] a\n", "#",
  "# a # ", "|", "|-", "|`", "|\\", "a|b\n-|-\n", "| a | b |\n|---|---|\n", "||||\n-|-|-\n", "\\", "\\\n", "<https://", "<a@b.c", "www.",
  "https://", "https://x.y/) ", "https://x.y/)))))", "https://x.y/&amp;", "http://a。", "\n", " ", "\t", "a\n", "a", "(", "<", "<a ", "<b>",
  "</b>", "<b></b>", "<b><i>", "<br>", "&", "&#", "&amp;", "&#1;", "$", "$a", "$ $", "$$\n", "\\(", "\\)", "\\[", "\\[\n", "x\\[", "a\\](",
  "<think>", "</think>", "x</think>", "<think>a\n\n", "مرحبا ", "-\n\n", "* *", "_ ",
];

test("every text is read in linear time", () => {
  const runs = Array.from({ length: 450 }, (_, length) => "`".repeat(length + 1)).join(" ");
  const fill = (pattern) => pattern.repeat(Math.ceil(60_000 / pattern.length)).slice(0, 60_000);
  const texts = [runs, `\` ${" ".repeat(100_000)}x\``, ...PATTERNS.flatMap((pattern) => [fill(pattern), `${fill(pattern)}\\](`])];
  for (const text of texts) {
    const began = performance.now();
    read(text);
    const took = performance.now() - began;
    assert.ok(took < 4000, `${JSON.stringify(text.slice(0, 40))} took ${took} ms`);
  }
});

/** Returns a function that returns pseudo-random whole numbers below a limit. */
function randomNumbers(seed) {
  return (limit) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % limit;
}

const TOKENS = [
  "a", "b ", "x\n", "1. ", "10) ", "2", "1986. ", "- ", "* ", "-", "[ ] ", "  ", "    ", "\t", "\n", "\n", "\n\n", "`", "``", "```\n", "```js\n",
  "*", "**", "_", "~~", "[", "]", "(", "https://x.example", "|", "x|y\n", "-|-\n", "| a | b |\n", "> ", "# ", "---\n", "$", "$$", "\\(", "\\)",
  "\\[", "\\]", "<br>", "<b>", "</b>", "&amp;", "&", "<", "\\", "!", "مرحبا", "。",
];

test("any text in pieces is read as the whole text", () => {
  const random = randomNumbers(13);
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: 2 + random(25) }, () => TOKENS[random(TOKENS.length)]).join("");
    const whole = new GrowingMarkdown().parse(text, false, OPTIONS);
    for (const size of [1, 3]) {
      const reader = new GrowingMarkdown();
      for (let at = size; at < text.length; at += size) reader.parse(text.slice(0, at), true, OPTIONS);
      assert.deepEqual(reader.parse(text, false, OPTIONS), whole, JSON.stringify(text));
    }
  }
});
