import { node } from "./dom.js";
import { fill } from "./strings.js";
/** @import { Strings } from "../../web/chat-window.js" */

/** The share of the limit from which on the length is shown. */
const NEAR = 0.9;

/** Returns the length of a text as the server measures it: in Unicode characters, without white space around them. */
const lengthOf = (/** @type {string} */ text) => [...text.trim()].length;

/** Shows how long a question is, once it comes near the limit. */
export class LengthLimit {
  /** Whether the question is too long to be sent. */
  isExceeded = false;
  /** Announces that the limit is near or exceeded, but not each character. */
  #status = node("div", { class: "unseen", role: "status" });
  #length = node("div", { class: "length", part: "length", id: "length", hidden: "" });
  root = node("div", {}, this.#length, this.#status);
  #isNear = false;

  /**
   * Shows the length of a text.
   * @param {string} text
   * @param {number} max
   * @param {Strings} strings
   */
  check(text, max, strings) {
    // A character has at most two UTF-16 units, so that shorter texts need no exact count.
    const count = text.length < max * NEAR ? 0 : lengthOf(text);
    const [isNear, isExceeded] = [count >= max * NEAR, count > max];
    const hasChanged = isNear !== this.#isNear || isExceeded !== this.isExceeded;
    [this.#isNear, this.isExceeded] = [isNear, isExceeded];
    this.#length.textContent = isNear ? fill(isExceeded ? strings.tooLong : strings.length, { count, max }) : "";
    this.#length.hidden = !isNear;
    this.#length.classList.toggle("exceeded", isExceeded);
    if (hasChanged) this.announce();
  }

  /** Announces the length to screen readers. */
  announce() {
    this.#status.replaceChildren(node("p", {}, this.#length.textContent ?? ""));
  }
}
