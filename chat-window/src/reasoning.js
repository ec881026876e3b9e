// The reasoning that some models write before their answer, in `<think>` or `<thinking>`.

const START = /^\s*<think(?:ing)?>/i;
const END = /(?<!["'`])<\/think(?:ing)?>/i;

/**
 * An end without a start, which is then in the model's template: at the beginning or the end of a line, or directly after
 * a word. Elsewhere it is part of a sentence.
 */
const LONE_END = /<(?<=(?:^[ \t]*|[^\s"'`])<)\/think(?:ing)?>(?!["'`])|<\/think(?:ing)?>(?=[ \t]*\n)/im;

/**
 * Splits a model's text into its reasoning and its answer. `isOpen`: the reasoning has not ended.
 * @param {string} text
 */
export function splitReasoning(text) {
  const start = START.exec(text)?.[0].length ?? 0;
  const end = start ? END.exec(text) : loneEnd(text);
  const at = end?.index ?? (start && text.length);
  return { reasoning: text.slice(start, at), answer: text.slice(at + (end?.[0].length ?? 0)), isOpen: !!start && !end };
}

/** @param {string} text */
function loneEnd(text) {
  const end = LONE_END.exec(text);
  const before = text.slice(0, end?.index);
  const fences = before.match(/^[ \t]*(?:```|~~~)/gm) ?? [];
  return fences.length % 2 || /<think/i.test(before) ? null : end;
}
