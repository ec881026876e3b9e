import { Attachments } from "./attachments.js";
import { icon, iconButton, label, listen, node } from "./dom.js";
import { listenIsolated } from "./isolation.js";
import { actionOf, isEnterNewLine } from "./keyboard.js";
import { fill } from "./strings.js";
import { directionOf } from "./text-direction.js";
import { filesOf } from "./transfer.js";
/** @import { Strings } from "../../web/chat-window.js" */
/** @import { AttachedFile } from "./turn.js" */

/** Longest question in the portal, in Unicode characters. */
const MAX_PORTAL_QUESTION = 500;

/** Length of a text that fills the text field in any window, in characters. */
const LONG_TEXT = 3000;

/**
 * The window. `draw()` is called when the form looks different.
 * @typedef {import("./attachments.js").Host & { isPortal(): boolean, send(question?: string): void, stop(): void, draw(): void }} Host
 */

/** The form in which the visitor writes: the text field, the attached files and their buttons. */
export class Composer {
  /** Shown over the window while files are dragged over it. */
  dropZone = node("div", { class: "drop", part: "drop", hidden: "" });
  #host;
  #attachments = new Attachments();
  /** Whether the question is sent once its files are read. */
  #isSendPending = false;
  #chips = node("ul", { class: "chips" });
  #problem = node("div", { class: "trouble", part: "error", role: "alert", hidden: "" });
  #input = node("textarea", {
    ...{ rows: 1, part: "input", "aria-describedby": "length" },
    ...{ autocomplete: "off", spellcheck: "true" },
  });
  #tooLong = node("div", { class: "length", part: "length", id: "length", role: "status", hidden: "" });
  #picker = node("input", { type: "file", multiple: "", hidden: "" });
  #attach = iconButton("attach", () => this.#picker.click());
  #send = iconButton("send", () => this.#host.send(), "solid");
  #stop = iconButton("stop", () => (this.#host.stop(), this.focus()), "solid");
  root = node(
    "form",
    { part: "composer" },
    this.#chips,
    this.#problem,
    this.#picker,
    node("div", { class: "row" }, this.#attach, this.#input, this.#send, this.#stop),
    this.#tooLong,
  );

  constructor(/** @type {Host} */ host) {
    this.#host = host;
    // An observer that changed sizes itself would be reported to the page as an error.
    new ResizeObserver(() => requestAnimationFrame(() => this.resize())).observe(this.#input);
    listen(this.#picker, { change: () => this.#attachChosen() });
    listen(this.#input, { input: () => (this.#checkLength(), this.resize()) });
    listenIsolated(this.#input, { keydown: (/** @type {KeyboardEvent} */ event) => this.#onKey(event) });
  }

  /** What the visitor has written. */
  get text() {
    return this.#input.value;
  }

  /** The attached files. */
  get files() {
    return this.#attachments.files;
  }

  focus() {
    this.#input.focus();
  }

  /**
   * Replaces the text and the files.
   * @param {string} text
   * @param {AttachedFile[]} files
   */
  setContents(text, files) {
    this.#input.value = text;
    this.resize();
    this.#attachments.files = files;
    this.#showFiles();
    this.showProblem("");
    this.#checkLength();
    this.#host.draw();
  }

  /** Shows what is wrong; nothing for an empty text. */
  showProblem(/** @type {string} */ text) {
    this.#problem.textContent = text;
    this.#problem.hidden = !text;
  }

  setLabels(/** @type {Strings} */ strings) {
    this.dropZone.textContent = strings.drop;
    this.#input.placeholder = this.#input.ariaLabel = strings.placeholder;
    this.#input.enterKeyHint = isEnterNewLine() ? "enter" : "send";
    label(this.#attach, strings.attach);
    label(this.#send, strings.send);
    label(this.#stop, strings.stop);
    this.#attach.hidden = this.#host.isPortal();
    this.#showFiles();
    this.#checkLength();
  }

  /**
   * Returns whether the visitor's question can be sent now: it isn't too long, and its files are read. Otherwise it is sent
   * once they are.
   */
  isReady() {
    this.#isSendPending = this.#attachments.isReading;
    return !this.#isSendPending && this.#tooLong.hidden;
  }

  /** Shows the buttons as they are now. */
  draw(/** @type {boolean} */ isBusy) {
    this.#send.hidden = isBusy;
    this.#stop.hidden = !isBusy;
  }

  /** Shows the attached files. They are not shown again with each piece of an answer: a button would miss its click. */
  #showFiles() {
    this.#chips.replaceChildren(...this.files.map((file) => this.#chip(file)));
    this.#chips.hidden = !this.files.length;
  }

  /**
   * Makes the text field as high as its text, up to the limit of the style sheet. A long text is higher than that in any
   * case and takes long to measure.
   */
  resize() {
    const { style, textLength } = this.#input;
    // By `dir="auto"` browsers read the whole text with each key, which takes seconds for a long one.
    const dir = this.text && directionOf(this.text.slice(0, LONG_TEXT));
    if (this.#input.dir !== dir) this.#input.dir = dir;
    if (textLength > LONG_TEXT) style.height = "100vh";
    else if (this.#input.clientWidth) {
      // The form keeps its height meanwhile, so that the log need not be laid out.
      this.root.style.height = `${this.root.offsetHeight}px`;
      style.height = "auto";
      style.height = `${this.#input.scrollHeight}px`;
      this.root.style.height = "";
    }
  }

  /** Accepts files that are pasted into the window or dropped on it. */
  acceptFilesFrom(/** @type {HTMLElement} */ panel) {
    listenIsolated(panel, {
      paste: (/** @type {ClipboardEvent} */ event) => this.#take(event, event.clipboardData),
      drop: (/** @type {DragEvent} */ event) => this.#take(event, event.dataTransfer),
      dragover: (/** @type {DragEvent} */ event) => this.#dragOver(event),
      dragleave: (/** @type {DragEvent} */ { relatedTarget }) => {
        this.dropZone.hidden ||= !(relatedTarget instanceof Node && panel.contains(relatedTarget));
      },
    });
  }

  /** Attaches files that are pasted or dropped anywhere in the window. Texts are the browser's. */
  #take(/** @type {Event} */ event, /** @type {DataTransfer | null} */ transfer) {
    this.dropZone.hidden = true;
    const files = filesOf(transfer);
    if (!files.length) return;
    event.preventDefault();
    this.#attachAll(files);
  }

  /** Shows that files can be dropped. Texts and links are the browser's. */
  #dragOver(/** @type {DragEvent} */ event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.dropZone.hidden = this.#host.isPortal();
  }

  #onKey(/** @type {KeyboardEvent} */ event) {
    const action = actionOf(event);
    if (action) event.preventDefault();
    if (action === "send") this.#host.send();
    // A command, since that can be undone.
    if (action === "newLine") document.execCommand("insertText", false, "\n");
  }

  /** Shows whether the question is too long for the portal. The server doesn't count white space around it. */
  #checkLength() {
    const count = this.#host.isPortal() ? [...this.text.trim()].length : 0;
    const isTooLong = count > MAX_PORTAL_QUESTION;
    this.#tooLong.hidden = !isTooLong;
    this.#tooLong.textContent = isTooLong ? fill(this.#host.strings().tooLong, { count, max: MAX_PORTAL_QUESTION }) : "";
    this.#input.ariaInvalid = String(isTooLong);
  }

  /** Creates the chip of a file, with a button that removes the file. */
  #chip(/** @type {AttachedFile} */ file) {
    const click = () => {
      this.setContents(this.text, this.files.filter((other) => other !== file));
      this.focus();
    };
    const remove = node("button", { type: "button", class: "icon quiet", click }, icon("close"));
    label(remove, fill(this.#host.strings().remove, file));
    return node("li", { part: "chip" }, node("span", {}, file.name), remove);
  }

  #attachChosen() {
    const files = [...(this.#picker.files ?? [])];
    // The same file can be chosen again.
    this.#picker.value = "";
    this.#attachAll(files);
  }

  async #attachAll(/** @type {File[]} */ files) {
    this.focus();
    const problems = this.#host.isPortal() ? this.#host.strings().noFiles : await this.#attachments.add(files, this.#host);
    this.#showFiles();
    this.showProblem(problems);
    if (!this.#isSendPending || this.#attachments.isReading) return;
    this.#isSendPending = false;
    if (!problems) this.#host.send();
  }
}
