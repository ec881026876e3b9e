import { node } from "../dom.js";
import { whenAgain } from "../waiting.js";
/** @import { Strings } from "../../../web/chat-window.js" */

/** @type {Partial<CSSStyleDeclaration>} */
const FIELD_STYLE = {
  ...{ width: "100%", margin: "0.3em 0 0.6em", padding: "0.3em 0.6em", border: "1px solid", borderRadius: "0.6em" },
  ...{ background: "none", color: "inherit", font: "inherit", fontSize: "max(1em, 16px)" },
  // The form shows the focus.
  outline: "none",
};

/** Returns the sentence about a request that failed. */
export function sentenceAbout(/** @type {any} */ { failure }, /** @type {Strings} */ texts) {
  const until = Date.now() + 1000 * (failure?.retryAfter ?? 0);
  return `${failure?.message ?? texts.unreachable} ${whenAgain(until, texts)}`.trim();
}

/**
 * Creates a form with one optional field. Afterwards it says that this was sent. Escape and the last button close it.
 *
 * @param {object} options
 * @param {Strings} options.texts
 * @param {string} options.name what the field is called
 * @param {Record<string, string | number>} options.attributes those of the field
 * @param {string} options.action what the button is called that sends
 * @param {string} options.sent what is said afterwards
 * @param {(text: string | undefined) => Promise<unknown>} options.send
 * @param {() => void} options.close called when the form is closed
 */
export function smallForm({ texts, name, attributes, action, sent, send, close }) {
  const field = node("input", { type: "text", ...attributes });
  Object.assign(field.style, FIELD_STYLE);
  const label = node("label", {}, name, field);
  const status = node("p", { role: "status" });
  const submitButton = node("button", { type: "submit", class: "solid" }, action);
  const closeButton = node("button", { type: "reset" }, texts.cancel);
  closeButton.style.marginInlineStart = "0.5em";
  let isSending = false;
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    try {
      await send(field.value.trim() || undefined);
      const hadFocus = form.matches(":focus-within");
      label.remove();
      submitButton.remove();
      closeButton.textContent = texts.ok;
      if (hadFocus) closeButton.focus();
      status.textContent = sent;
    } catch (error) {
      status.textContent = sentenceAbout(error, texts);
    }
    isSending = false;
  };
  const reset = () => {
    form.remove();
    close();
  };
  const form = node("form", { class: "small", part: "form", submit, reset }, label, status, submitButton, closeButton);
  Object.assign(form.style, { padding: "0.6em 0.9em", fontSize: "0.875em" });
  return form;
}
