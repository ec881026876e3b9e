import { attachFiles } from "./attachments.js";
import { icon, iconButton, label, listen, node } from "./dom.js";
import { listenIsolated } from "./isolation.js";
import { fill } from "./strings.js";
import { directionOf } from "./text-direction.js";

/** Longest question in the portal, in characters. */
const MAX_PORTAL_QUESTION = 500;

/** Length of a text that fills the text field in any window, in characters. */
const LONG_TEXT = 3000;

/**
 * The form in which the visitor writes: the text field, the attached files and their buttons. `host` is the window,
 * with the functions `strings()`, `isPortal()`, `send()`, `stop()` and `changed()`.
 */
export class Composer {
  /** The attached files, as `{ name, content }`. */
  files = [];
  /** Shown over the window while files are dragged over it. */
  dropZone = node("div", { class: "drop", part: "drop", hidden: "" });
  #host;
  #chips = node("ul", { class: "chips" });
  #problem = node("div", { class: "trouble", part: "error", role: "alert", hidden: "" });
  #input = node("textarea", { rows: 1, part: "input", dir: "auto", enterkeyhint: "send" });
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
  );

  constructor(host) {
    this.#host = host;
    // An observer that changed sizes itself would be reported to the page as an error.
    new ResizeObserver(() => requestAnimationFrame(() => this.resize())).observe(this.#input);
    const attach = () => this.#attachAll([...this.#picker.files]).then(() => (this.#picker.value = ""));
    listen(this.#picker, { change: attach });
    const beforeinput = (/** @type {InputEvent} */ { data }) => this.#setDirection(this.text + (data ?? ""));
    listen(this.#input, { beforeinput, input: () => this.resize() });
    listenIsolated(this.#input, { keydown: (event) => this.#sendOnEnter(event) });
  }

  /** What the visitor has written. */
  get text() {
    return this.#input.value;
  }

  focus() {
    this.#input.focus();
  }

  /** Replaces the text and the files. */
  setContents(text, files) {
    this.#input.value = text;
    this.resize();
    this.files = files;
    this.showProblem("");
    this.#host.changed();
  }

  /** Shows what is wrong; nothing for an empty text. */
  showProblem(text) {
    this.#problem.textContent = text;
    this.#problem.hidden = !text;
  }

  setLabels(strings) {
    const isPortal = this.#host.isPortal();
    this.dropZone.textContent = strings.drop;
    this.#input.placeholder = this.#input.ariaLabel = strings.placeholder;
    label(this.#attach, strings.attach);
    label(this.#send, strings.send);
    label(this.#stop, strings.stop);
    this.#attach.hidden = isPortal;
    if (isPortal) this.#input.maxLength = MAX_PORTAL_QUESTION;
    else this.#input.removeAttribute("maxlength");
  }

  /** Shows the files and the buttons as they are now. */
  draw(isBusy) {
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
    const dir = text.length > LONG_TEXT ? directionOf([text.slice(0, LONG_TEXT)]) : "auto";
    if (this.#input.dir !== dir) this.#input.dir = dir;
  }

  /** Accepts files that are pasted into the window or dropped on it. */
  acceptFilesFrom(panel) {
    listenIsolated(panel, {
      paste: (event) => this.#attachFrom(event, event.clipboardData),
      drop: (event) => this.#attachFrom(event, event.dataTransfer),
      dragover: (event) => this.#showDropZone(event, true),
      dragleave: (event) => this.#showDropZone(event, panel.contains(event.relatedTarget)),
    });
  }

  #sendOnEnter(event) {
    // While an input method composes a word, Enter confirms it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#host.send();
  }

  /** Creates the chip of a file, with a button that removes the file. */
  #chip(file) {
    const click = () => {
      this.setContents(this.text, this.files.filter((other) => other !== file));
      this.focus();
    };
    const remove = node("button", { type: "button", class: "icon quiet", click }, icon("close"));
    label(remove, fill(this.#host.strings().remove, file));
    return node("li", { part: "chip" }, node("span", {}, file.name), remove);
  }

  async #attachAll(chosen) {
    const problems = await attachFiles(chosen, () => this.files, this.#host.strings());
    this.#host.changed();
    this.showProblem(problems);
    this.focus();
  }

  #attachFrom(event, { files }) {
    this.dropZone.hidden = true;
    if (this.#host.isPortal() || !files.length) return;
    event.preventDefault();
    this.#attachAll([...files]);
  }

  #showDropZone(event, isOver) {
    if (this.#host.isPortal() || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    this.dropZone.hidden = !isOver;
  }
}
