// The reasoning that some models write before their answer, in `<think>` or `<thinking>`.

const START = /^\s*<think(?:ing)?>/i;
const END = /(?<!["'`])<\/think(?:ing)?>/i;

/**
 * An end without a start, which is then in the model's template: at the beginning or the end of a line, or directly after
 * a word. Elsewhere it is part of a sentence.
 */
const LONE_END = /(?:^[ \t]*|[^\s"'`])<\/think(?:ing)?>(?!["'`])|<\/think(?:ing)?>(?=[ \t]*\n)/im;

/**
 * Splits a model's text into its reasoning and its answer. `isOpen`: the reasoning has not ended.
 * @param {string} text
 */
export function splitReasoning(text) {
  const start = START.exec(text)?.[0].length ?? 0;
  const end = start ? END.exec(text) : loneEnd(text);
  if (!end) return start ? { reasoning: text.slice(start), answer: "", isOpen: true } : { reasoning: "", answer: text, isOpen: false };
  // The character before the tag is part of what was found.
  const tag = text.indexOf("<", end.index);
  const after = text.indexOf(">", tag) + 1;
  return { reasoning: text.slice(start, tag), answer: text.slice(after), isOpen: false };
}

/** @param {string} text */
function loneEnd(text) {
  const end = text.includes("</think") && LONE_END.exec(text);
  if (!end) return null;
  const before = text.slice(0, end.index);
  const fences = before.match(/^[ \t]*(?:```|~~~)/gm) ?? [];
  return fences.length % 2 || /<think/i.test(before) ? null : end;
}
