import { node } from "./dom.js";

/**
 * Copies a text. Returns whether that was possible.
 *
 * @param {string} text
 * @param {HTMLElement} place where a text field can be put for a moment: without https, only a selection can be copied
 */
export async function copyText(text, place) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text, place);
  }
}

/** @type {(text: string, place: HTMLElement) => boolean} */
function copySelected(text, place) {
  const focused = /** @type {ShadowRoot} */ (place.getRootNode()).activeElement;
  const field = node("textarea", { class: "unseen", readonly: "" });
  field.value = text;
  place.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return isCopied;
}
