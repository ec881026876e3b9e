/** Devices that are held in the hand: their keyboard is on the screen and has a key for a new line, but no Shift+Enter. */
const HANDHELD = matchMedia("(hover: none) and (pointer: coarse)");

/** Whether Enter makes a new line, so that only the button sends. */
export const isEnterNewLine = () => HANDHELD.matches;

/**
 * Returns whether a key press belongs to an input method, which composes a word. In Safari the key that ends a composition
 * comes after it, with the key code 229 as the only sign.
 * @param {KeyboardEvent} event
 */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/**
 * Returns what Enter does in the text field: `send`, `newLine`, `nothing` (it is held down), or undefined if the browser
 * handles the key press.
 * @param {KeyboardEvent} event
 */
export function actionOf(event) {
  if (event.key !== "Enter" || isComposing(event) || event.shiftKey) return undefined;
  // Many programs make a line by Alt+Enter; a text field does so on some systems only.
  if (event.altKey) return "newLine";
  if (isEnterNewLine() && !event.ctrlKey && !event.metaKey) return undefined;
  return event.repeat ? "nothing" : "send";
}
