import { node } from "./dom.js";

/** Shortest piece of a growing answer that is announced, in characters. */
const MIN_ANNOUNCEMENT = 80;

/** Everything up to the last end of a sentence or a line. */
const SENTENCES = /^[^]*(?:[.!?…]["'”’»)]*\s|[。！？]|\n)/;

/** Announces to screen readers what is seen. */
export class Announcer {
  /** Gets the answer in whole sentences: the log itself would be read out word by word as it grows. */
  answer = node("div", { class: "unseen", "aria-live": "polite" });
  /** Gets what happens. */
  status = node("div", { class: "unseen", role: "status" });
  /** Number of the answer's characters that were announced. */
  #announced = 0;

  /**
   * Announces the sentences of an answer that are complete and new.
   *
   * @param {string} text the answer as it is seen
   * @param {boolean} isGoing whether more of it may come
   * @param {string} writing what is announced before the first sentence
   */
  announce(text, isGoing, writing) {
    if (!text) {
      this.#announced = 0;
      this.answer.replaceChildren();
      if (isGoing) this.status.textContent = writing;
    }
    const rest = text.slice(this.#announced);
    const piece = isGoing ? (SENTENCES.exec(rest)?.[0] ?? "") : rest;
    if (!piece || (isGoing && piece.length < MIN_ANNOUNCEMENT)) return;
    this.#announced += piece.length;
    this.status.textContent = "";
    this.answer.append(node("p", {}, piece));
  }
}
