/** Code, links and tags: they are written from left to right in every language. */
const LATIN = /`[^`\n]*`|https?:\/\/\S+|<\/?\w+>/g;

const FIRST_LETTER_FROM_RIGHT = /^\P{L}*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{1e800}-\u{1efff}]/u;

/**
 * Returns the direction of a block around others: browsers don't look into those for `dir="auto"`.
 * @param {string} text
 */
export const directionOf = (text) => (FIRST_LETTER_FROM_RIGHT.test(text.replace(LATIN, "")) ? "rtl" : "ltr");
