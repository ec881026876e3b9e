import { createStyleSheet } from "./style-sheet.js";
import { icon, iconButton, label, node } from "./dom.js";
import { EventIsolation, listenIsolated } from "./isolation.js";
import { isComposing } from "./keyboard.js";
import { fill } from "./strings.js";
import { followSystemTheme } from "./theme.js";
import { TopLayer } from "./top-layer.js";
import { followVisualViewport } from "./visual-viewport.js";
/** @import { Strings } from "../../web/chat-window.js" */

/**
 * The window. `stop()` stops an answer and returns whether there was one; `toggled` is called when a bubble was opened or
 * closed.
 * @typedef {object} Host
 * @property {() => Strings} strings
 * @property {() => void} clear
 * @property {() => boolean} stop
 * @property {() => void} focus
 * @property {(isOpen: boolean) => void} toggled
 * @property {(attributes: Record<string, string>, child: Node | string) => HTMLElement | undefined} contact
 */

/**
 * What surrounds the conversation: the panel with its header, and in a bubble the dialog that holds the panel and the
 * button that opens it.
 */
export class Frame {
  #element;
  #host;
  #isBubble = false;
  #isOpen = false;
  /** Number of answers that came while the bubble was closed. */
  #unread = 0;
  #heading = node("h2", { id: "heading", part: "heading" });
  /** @type {HTMLElement | undefined} */
  #contact;
  #clear = iconButton("clear", () => this.#host.clear());
  #close = iconButton("close", () => this.#closeByVisitor());
  #header = node("header", { part: "header" }, this.#heading, this.#clear, this.#close);
  #badge = node("span", { class: "badge", part: "unread", hidden: "" });
  #launcher = iconButton("chat", () => this.toggle(true), "solid launcher");
  /** The box of the whole window, which files can be dropped on. */
  panel = node("div", { class: "panel", part: "panel", tabindex: -1 }, this.#header);
  #dialog = /** @type {HTMLDialogElement} */ (node("dialog", { "aria-labelledby": "heading" }));
  #root = node("div", { class: "root" }, this.#launcher, this.#dialog);
  #isolation = new EventIsolation(this.panel);
  #topLayer = new TopLayer(this.#root, this.#dialog);

  /**
   * @param {HTMLElement} element
   * @param {Host} host
   * @param {HTMLElement[]} contents
   */
  constructor(element, host, contents) {
    this.#element = element;
    this.#host = host;
    this.#launcher.append(this.#badge);
    this.panel.append(...contents);
    element.attachShadow({ mode: "open" }).append(this.#root);
    listenIsolated(this.panel, { keydown: (event) => this.#useEscape(event) });
    this.#dialog.addEventListener("close", () => this.#closedByBrowser());
  }

  /** Whether a bubble is open. When it is set, the focus stays where it is. */
  get isOpen() {
    return this.#isOpen;
  }

  /** An open bubble that covers the page is not restored: it would hide what the visitor came for. */
  set isOpen(isOpen) {
    this.#isOpen = isOpen && !this.#topLayer.isFullScreen;
  }

  /** Connects the window with the page that it is in, until the signal. */
  attach(/** @type {Window & typeof globalThis} */ view, /** @type {AbortSignal} */ signal) {
    // The element may have been moved from another document.
    /** @type {ShadowRoot} */ (this.#element.shadowRoot).adoptedStyleSheets = [createStyleSheet(view)];
    this.#isolation.attach(view, signal);
    this.#topLayer.attach(view, signal);
    followVisualViewport(this.#root, view, signal);
    followSystemTheme(this.#root, view, signal);
  }

  /** Applies the attributes and the texts. */
  show(/** @type {Strings} */ strings) {
    this.#isBubble = this.#element.getAttribute("mode") === "bubble";
    this.#heading.textContent = strings.heading;
    label(this.#clear, strings.clear);
    label(this.#close, strings.close);
    this.#contact?.remove();
    this.#contact = this.#host.contact({ class: "icon quiet" }, icon("contact"));
    if (this.#contact) {
      label(this.#contact, strings.contact);
      this.#heading.after(this.#contact);
    }
    this.#holdPanel();
    this.#draw();
  }

  /** Shows the button that clears the conversation if there is one. */
  showClear(/** @type {boolean} */ isShown) {
    this.#clear.hidden = !isShown;
  }

  /** Counts an answer that came while the bubble was closed. */
  countAnswer() {
    if (!this.#isBubble || this.#isOpen) return;
    this.#unread++;
    this.#draw();
  }

  /** Opens or closes a bubble. The focus moves into it, and out of it to the button that opens it. */
  toggle(/** @type {boolean} */ isOpen) {
    if (!this.#isBubble || isOpen === this.#isOpen) return;
    const hadFocus = this.panel.matches(":focus-within");
    this.#isOpen = isOpen;
    if (isOpen) this.#unread = 0;
    this.#draw();
    if (isOpen) this.#host.focus();
    else if (hadFocus) this.#launcher.focus();
    this.#host.toggled(isOpen);
  }

  #closeByVisitor() {
    this.toggle(false);
    this.#launcher.focus();
  }

  /** A phone's back button closes the dialog. */
  #closedByBrowser() {
    if (this.#isBubble && this.#isOpen && !this.#dialog.open) this.#closeByVisitor();
  }

  /** Escape cancels a small form, stops an answer or closes a bubble. It also ends the composition of a word. */
  #useEscape(/** @type {KeyboardEvent} */ event) {
    if (event.key !== "Escape" || isComposing(event)) return;
    const form = /** @type {HTMLFormElement | null} */ (this.panel.querySelector(".small:focus-within"));
    if (form) form.reset();
    else if (!this.#host.stop()) {
      if (!this.#isBubble) return;
      this.#closeByVisitor();
    }
    event.preventDefault();
  }

  /** Puts the panel into the dialog of a bubble. Elsewhere it is a region of the page. */
  #holdPanel() {
    const holder = this.#isBubble ? this.#dialog : this.#root;
    if (this.panel.parentNode === holder) return;
    holder.append(this.panel);
    this.panel.role = this.#isBubble ? null : "region";
    this.panel.setAttribute("aria-labelledby", this.#isBubble ? "" : "heading");
  }

  #draw() {
    const { open, unread } = this.#host.strings();
    const count = this.#unread;
    this.#badge.hidden = !count;
    this.#badge.textContent = String(count);
    label(this.#launcher, count ? `${open}, ${fill(unread, { count })}` : open);
    this.#close.hidden = !this.#isBubble;
    this.#launcher.hidden = !this.#isBubble || this.#isOpen;
    this.#topLayer.show(this.#isBubble, this.#isOpen);
  }
}
