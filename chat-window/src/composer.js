import { Attachments } from "./attachments.js";
import { icon, iconButton, label, listen, node } from "./dom.js";
import { listenIsolated } from "./isolation.js";
import { actionOf, isEnterNewLine } from "./keyboard.js";
import { LengthLimit } from "./length-limit.js";
import { fill } from "./strings.js";
import { directionOf } from "./text-direction.js";
import { filesOf, hasFiles, hasLink, textOf } from "./transfer.js";
/** @import { Strings } from "../../web/chat-window.js" */
/** @import { ChosenFile } from "./transfer.js" */
/** @import { AttachedFile } from "./turn.js" */

/** Longest question in the portal, in characters. */
const MAX_PORTAL_QUESTION = 500;

/** Length of a text that fills the text field in any window, in characters. */
const LONG_TEXT = 3000;

/**
 * The form in which the visitor writes: the text field, the attached files and their buttons. `host` is the window:
 * `changed()` is called when the form looks different.
 */
export class Composer {
  /** Shown over the window while files are dragged over it. */
  dropZone = node("div", { class: "drop", part: "drop", hidden: "" });
  #host;
  #attachments = new Attachments();
  #limit = new LengthLimit();
  /** Whether the question is sent once its files are read. */
  #isSendPending = false;
  #chips = node("ul", { class: "chips" });
  #problem = node("div", { class: "trouble", part: "error", role: "alert", hidden: "" });
  #input = node("textarea", {
    ...{ rows: 1, part: "input", dir: "auto", "aria-describedby": "length" },
    ...{ autocomplete: "off", autocapitalize: "sentences", spellcheck: "true" },
  });
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
    this.#limit.root,
  );

  /** @param {{ strings(): Strings, isPortal(): boolean, send(): void, stop(): void, changed(): void }} host */
  constructor(host) {
    this.#host = host;
    // An observer that changed sizes itself would be reported to the page as an error.
    new ResizeObserver(() => requestAnimationFrame(() => this.resize())).observe(this.#input);
    listen(this.#picker, { change: () => this.#attachChosen() });
    const beforeinput = (/** @type {InputEvent} */ { data }) => this.#setDirection(this.text + (data ?? ""));
    listen(this.#input, { beforeinput, input: () => this.#onInput() });
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
    this.showProblem("");
    this.#checkLength();
    this.#host.changed();
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
    this.#checkLength();
  }

  /**
   * Returns whether the visitor's question can be sent now: it isn't too long, and its files are read. Otherwise it is sent
   * once they are.
   */
  isReady() {
    this.#isSendPending = this.#attachments.isReading;
    if (this.#limit.isExceeded) this.#limit.announce();
    return !this.#isSendPending && !this.#limit.isExceeded;
  }

  /** Shows the files and the buttons as they are now. */
  draw(/** @type {boolean} */ isBusy) {
    this.#send.hidden = isBusy;
    this.#stop.hidden = !isBusy;
    this.#chips.replaceChildren(...this.files.map((file) => this.#chip(file)));
    this.#chips.hidden = !this.files.length;
  }

  /**
   * Makes the text field as high as its text, up to the limit of the style sheet. A long text is higher than that in any
   * case and takes long to measure.
   */
  resize() {
    const { style, textLength } = this.#input;
    this.#setDirection(this.text);
    if (textLength > LONG_TEXT) style.height = "100vh";
    else if (this.#input.clientWidth) {
      // The form keeps its height meanwhile, so that the log need not be laid out.
      this.root.style.height = `${this.root.offsetHeight}px`;
      style.height = "auto";
      style.height = `${this.#input.scrollHeight}px`;
      this.root.style.height = "";
    }
  }

  /** Sets the direction. Browsers find out the one of a text with each key, which takes seconds for a long text. */
  #setDirection(/** @type {string} */ text) {
    const dir = text.length > LONG_TEXT ? directionOf(text.slice(0, LONG_TEXT)) : "auto";
    if (this.#input.dir !== dir) this.#input.dir = dir;
  }

  /** Accepts files that are pasted into the window or dropped on it. */
  acceptFilesFrom(/** @type {HTMLElement} */ panel) {
    listenIsolated(panel, {
      paste: (/** @type {ClipboardEvent} */ event) => this.#paste(event),
      drop: (/** @type {DragEvent} */ event) => this.#drop(event),
      dragover: (/** @type {DragEvent} */ event) => this.#dragOver(event),
      dragleave: (/** @type {DragEvent} */ { relatedTarget }) => {
        this.dropZone.hidden ||= !(relatedTarget instanceof Node && panel.contains(relatedTarget));
      },
    });
  }

  /** Attaches files that are pasted anywhere in the window. The browser pastes texts into the field. */
  #paste(/** @type {ClipboardEvent} */ event) {
    const files = event.clipboardData ? filesOf(event.clipboardData) : [];
    if (!files.length) return;
    event.preventDefault();
    this.#attachAll(files);
  }

  /** Attaches files that are dropped anywhere in the window, and inserts the text of a link. */
  #drop(/** @type {DragEvent} */ event) {
    const { dataTransfer } = event;
    this.dropZone.hidden = true;
    if (!dataTransfer || !this.#accepts(event)) return;
    event.preventDefault();
    const files = filesOf(dataTransfer);
    if (files.length) this.#attachAll(files);
    else this.#insert(textOf(dataTransfer));
  }

  #dragOver(/** @type {DragEvent} */ event) {
    if (!event.dataTransfer || !this.#accepts(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.dropZone.hidden = this.#host.isPortal() || !hasFiles(event.dataTransfer);
  }

  /** Returns whether the window takes what is dragged. Texts, and links over the field, are the browser's. */
  #accepts(/** @type {DragEvent} */ event) {
    const { dataTransfer } = event;
    return hasFiles(dataTransfer) || (hasLink(dataTransfer) && event.composedPath()[0] !== this.#input);
  }

  #onKey(/** @type {KeyboardEvent} */ event) {
    const action = actionOf(event);
    if (action) event.preventDefault();
    if (action === "send") this.#host.send();
    if (action === "newLine") this.#insert("\n");
  }

  #onInput() {
    this.#checkLength();
    this.resize();
  }

  /** Inserts a text at the caret; by a command if possible, since that can be undone. */
  #insert(/** @type {string} */ text) {
    this.focus();
    if (document.execCommand("insertText", false, text)) return;
    const { selectionStart, selectionEnd } = this.#input;
    this.#input.setRangeText(text, selectionStart, selectionEnd, "end");
    this.#onInput();
  }

  #checkLength() {
    const max = this.#host.isPortal() ? MAX_PORTAL_QUESTION : Infinity;
    this.#limit.check(this.text, max, this.#host.strings());
    this.#input.ariaInvalid = String(this.#limit.isExceeded);
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
    this.#attachAll(files.map((file) => ({ file, isFolder: false })));
  }

  async #attachAll(/** @type {ChosenFile[]} */ files) {
    this.focus();
    const strings = this.#host.strings();
    const problems = this.#host.isPortal() ? strings.noFiles : await this.#attachments.add(files, strings);
    this.#host.changed();
    this.showProblem(problems);
    if (!this.#isSendPending || this.#attachments.isReading) return;
    this.#isSendPending = false;
    if (!problems) this.#host.send();
  }
}
