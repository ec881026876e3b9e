import { iconButton, label, listen } from "./dom.js";

/** Distance from the end, in px, at which a reader who scrolls down has reached it: more words may have come meanwhile. */
const NEAR_END = 40;

/**
 * Scrolls the log. It follows new words as long as the reader is at its end. Readers who have scrolled up stay where they
 * are and get a button that leads to the end.
 */
export class Scrolling {
  /** Leads to the end. */
  button = iconButton("latest", () => this.#jumpToEnd(), "solid latest");
  #log;
  #isFollowing = true;
  /** The last known position. */
  #top = 0;
  /** Amount of text in the log, and how much of it the reader may have seen. */
  #amount = 0;
  #seen = 0;
  #strings = { latest: "", latestNew: "" };

  constructor(/** @type {HTMLElement} */ log) {
    this.#log = log;
    listen(log, { scroll: () => this.#readPosition() });
    // A reader who unfolds something wants to read that. (The event doesn't bubble.)
    listen(log, { toggle: () => (this.#isFollowing &&= this.#rest < 2) }, { capture: true });
    new ResizeObserver(() => this.#resized()).observe(log);
  }

  setLabels(/** @type {{ latest: string, latestNew: string }} */ strings) {
    this.#strings = strings;
  }

  /**
   * Changes what is in the log, and shows its end or the same position as before. `amount` is the amount of text
   * afterwards; an empty conversation is shown from its start.
   */
  change(/** @type {() => void} */ draw, amount = this.#amount) {
    this.#readPosition();
    draw();
    this.#amount = amount;
    this.#restorePosition();
  }

  /** Shows the end, and follows it from now on. */
  toEnd() {
    this.#isFollowing = true;
    this.#restorePosition();
  }

  #jumpToEnd() {
    this.toEnd();
    // The button disappears.
    this.#log.focus({ preventScroll: true });
  }

  /** Distance from the end. */
  get #rest() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** Follows a reader who has reached the end, and no longer one who has scrolled up. */
  #readPosition() {
    const { clientHeight, scrollTop } = this.#log;
    if (!clientHeight) return;
    if (this.#rest < (scrollTop > this.#top ? NEAR_END : 2)) this.#isFollowing = true;
    else if (scrollTop < this.#top) this.#isFollowing = false;
    this.#top = scrollTop;
    this.#showButton();
  }

  #restorePosition() {
    const log = this.#log;
    const top = this.#isFollowing ? this.#amount && log.scrollHeight : this.#top;
    // An assignment of the same position would stop a smooth scroll.
    if (log.scrollTop !== top) log.scrollTop = top;
    if (log.clientHeight) this.#top = log.scrollTop;
    this.#showButton();
  }

  /** A log that was not displayed may have lost its position. */
  #resized() {
    if (this.#isFollowing || !this.#log.scrollTop) this.#restorePosition();
  }

  #showButton() {
    if (this.#isFollowing) this.#seen = this.#amount;
    const isNew = this.#amount > this.#seen;
    this.button.hidden = this.#isFollowing;
    this.button.classList.toggle("new", isNew);
    label(this.button, this.#strings[isNew ? "latestNew" : "latest"]);
  }
}
