import { iconButton, label, node } from "./dom.js";
import STYLE from "./style.css";

const styleSheet = new CSSStyleSheet();
styleSheet.replaceSync(STYLE);

/**
 * What surrounds the conversation: the panel with its header, and the button that opens a bubble.
 *
 * `host` is the window, with the functions `clear()`, `toggled(isOpen)` (a bubble was opened or closed) and
 * `focusInput()`.
 */
export class Frame {
  #host;
  #isBubble = false;
  #isOpen = false;
  #heading = node("h2", { id: "heading", part: "heading" });
  #clear = iconButton("clear", () => this.#host.clear());
  #close = iconButton("close", () => this.toggle(false));
  #launcher = iconButton("chat", () => this.toggle(true), "solid launcher");
  panel = node(
    "section",
    { class: "panel", part: "panel", "aria-labelledby": "heading" },
    node("header", { part: "header" }, this.#heading, this.#clear, this.#close),
  );

  /**
   * @param {HTMLElement} element
   * @param {{ clear(): void, toggled(isOpen: boolean): void, focusInput(): void }} host
   * @param {HTMLElement[]} contents
   */
  constructor(element, host, contents) {
    this.#host = host;
    this.panel.append(...contents);
    const shadow = element.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [styleSheet];
    shadow.append(node("div", { class: "root" }, this.#launcher, this.panel));
  }

  /** Whether a bubble is closed, so that the conversation is out of sight. */
  get isClosed() {
    return this.#isBubble && !this.#isOpen;
  }

  /** Applies the mode and the texts. */
  show(/** @type {boolean} */ isBubble, /** @type {Record<string, string>} */ texts) {
    this.#isBubble = isBubble;
    this.#heading.textContent = texts.heading;
    label(this.#clear, texts.clear);
    label(this.#close, texts.close);
    label(this.#launcher, texts.open);
    this.panel.role = isBubble ? "dialog" : "region";
    this.#close.hidden = !isBubble;
    this.#draw();
  }

  /** Shows the button that clears the conversation if there is one. */
  showClear(/** @type {boolean} */ isShown) {
    this.#clear.hidden = !isShown;
  }

  /** Opens or closes a bubble and moves the focus. */
  toggle(/** @type {boolean} */ isOpen) {
    if (!this.#isBubble || isOpen === this.#isOpen) return;
    this.#isOpen = isOpen;
    this.#draw();
    if (isOpen) this.#host.focusInput();
    else this.#launcher.focus();
    this.#host.toggled(isOpen);
  }

  #draw() {
    this.panel.hidden = this.isClosed;
    this.#launcher.hidden = !this.isClosed;
  }
}
