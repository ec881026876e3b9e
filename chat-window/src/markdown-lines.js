// The lines that begin the blocks of Markdown.

const FENCE = /^\s*(`{3,}|~{3,})([^`]*)$/;
export const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
export const QUOTE = /^ {0,3}> ?/;
export const LIST_MARKER = /^(\s*)([-*+]|\d{1,9}[.)])(\s+|$)/;
export const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;

/** The beginning of a block that ends a paragraph without a blank line. A year with a dot begins none. */
export const ENDS_PARAGRAPH = /^ {0,3}(?:#{1,6}\s|>|[-*+]\s+\S|1[.)]\s+\S|\\\[|\$\$)|^\s*(?:```|~~~)/;

/** A last line that only begins something, such as a list item without text. It is hidden until more of it comes. */
export const UNFINISHED = /^[\s>]*(?:[-+*_=#`~|:]+|(?:[-+*]|\d{1,9}[.)]?)(?:\s+\[[ xX]?\]?)?)\s*$/;

/** @param {string} line */
export const indentOf = (line) => line.search(/\S|$/);

/**
 * Returns a function that says whether a line ends the code block that a line opens; undefined if this opens none.
 * @param {string} first
 */
export function fenceEnd(first) {
  const mark = FENCE.exec(first)?.[1];
  if (!mark) return undefined;
  return (/** @type {string} */ line) => {
    const text = line.trim();
    return text.length >= mark.length && !text.replaceAll(mark[0], "");
  };
}
