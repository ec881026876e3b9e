import { Announcer } from "./announcer.js";
import { copyText } from "./copying.js";
import { listen, node } from "./dom.js";
import { MarkdownView } from "./markdown.js";
import { splitReasoning } from "./reasoning.js";
import { Scrolling } from "./scrolling.js";
import { sourceList } from "./sources.js";
import { canRetry } from "./turn.js";
import { whenAgain } from "./waiting.js";
/** @import { Strings } from "../../web/chat-window.js" */
/** @import { Failure, Turn } from "./turn.js" */

/** How long a button shows that something was copied, in ms. */
const COPIED_TIME = 2000;

/**
 * What shows a turn; `shown` identifies what it shows.
 * @typedef {{ markdown: MarkdownView, after: HTMLElement, copy: HTMLElement, shown: string }} TurnView
 */

const note = (/** @type {string} */ text) => node("div", { class: "note" }, text);

/**
 * The window. `prompts()` are offered while there are no turns; `contact` creates what leads to a person; `rating` loads what adds
 * the buttons that rate an answer.
 * @typedef {object} Host
 * @property {() => Strings} strings
 * @property {() => string[]} prompts
 * @property {(name: string) => string | undefined} attribute
 * @property {(attributes: Record<string, string>, child: Node | string) => HTMLElement | undefined} contact
 * @property {(turn: Turn) => Promise<((copy: HTMLElement) => void) | undefined>} rating
 * @property {(question?: string) => void} send
 * @property {() => void} retry
 */

/** Shows the turns, and announces them to screen readers. */
export class Transcript {
  root = node("div", { class: "log", part: "log", role: "log", "aria-live": "off", tabindex: 0 });
  announcer = new Announcer();
  #scrolling = new Scrolling(this.root);
  /** Leads to the end of the conversation. */
  latest = this.#scrolling.button;
  #host;
  /** Whether all views have to be drawn again. */
  #isReset = false;
  #greeting = node("div", { class: "answer text", part: "answer greeting", dir: "auto" });
  #prompts = node("div", { class: "chips" });
  /** @type {Map<Turn, TurnView>} */
  #views = new Map();
  /** Updates the seconds until a turn may be retried. */
  #countdown = 0;

  constructor(/** @type {Host} */ host) {
    this.#host = host;
    listen(this.root, { click: ({ target }) => this.#copyCode(/** @type {Element} */ (target)) });
  }

  /** Shows the end of the conversation. */
  showEnd() {
    this.#scrolling.toEnd();
  }

  /** Applies the texts. The next draw shows everything again. */
  reset(/** @type {Strings} */ strings) {
    this.#greeting.textContent = strings.greeting;
    const prompt = (/** @type {string} */ text) =>
      node("button", { type: "button", class: "prompt", part: "prompt", dir: "auto", click: () => this.#host.send(text) }, text);
    this.#prompts.replaceChildren(...this.#host.prompts().map(prompt));
    this.root.ariaLabel = strings.conversation;
    this.#scrolling.setLabels(strings);
    this.#isReset = true;
  }

  /** Shows the turns that changed. */
  draw(/** @type {Turn[]} */ turns) {
    const last = turns.at(-1);
    const drawAll = () => {
      if (this.#isReset) this.#removeViews();
      this.#prompts.hidden = turns.length > 0;
      for (const turn of turns) this.#drawTurn(turn, turn === last);
    };
    this.#scrolling.change(drawAll, turns.length + (last?.answer.length ?? 0));
  }

  /** Announces what is new in a turn's answer, and how the turn ended. */
  announce(/** @type {Turn} */ turn) {
    const { status, finish, failure, notice = "" } = turn;
    const { writing, stopped, cutShort } = this.#host.strings();
    this.announcer.announce(this.#views.get(turn)?.markdown.text ?? "", status === "going", writing);
    if (status === "going") return;
    const ended = finish === "length" ? cutShort : notice;
    this.announcer.status.textContent = failure?.message ?? (status === "stopped" ? stopped : ended);
  }

  /** Removes all views and shows the greeting and the prompts. */
  #removeViews() {
    this.#isReset = false;
    this.#views.clear();
    this.root.replaceChildren(...[this.#greeting, this.#prompts].filter(({ textContent }) => textContent));
  }

  #drawTurn(/** @type {Turn} */ turn, /** @type {boolean} */ isLast) {
    const view = this.#views.get(turn) ?? this.#addView(turn);
    const { status, answer, finish, failure, sources, notice } = turn;
    const shown = [status, answer.length, isLast].join();
    if (view.shown === shown) return;
    view.shown = shown;
    const strings = this.#host.strings();
    const isGoing = status === "going";
    const target = this.#host.attribute("target");
    view.markdown.show(answer, isGoing, { strings, target });
    /** @type {Node[]} */
    const after = [];
    if (isGoing && !answer) after.push(node("div", { class: "dots" }, node("i"), node("i"), node("i")));
    if (status === "stopped") after.push(note(strings.stopped));
    if (finish === "length") after.push(note(strings.cutShort));
    if (notice) after.push(note(notice));
    if (failure) after.push(this.#failure(turn, failure, isLast));
    const list = sourceList(sources, strings.sources, target);
    if (list) after.push(list);
    view.copy.hidden = isGoing || !view.markdown.text;
    view.after.replaceChildren(...after);
    if (status === "done") this.#addRating(turn, view.copy);
  }

  /** Adds the buttons that rate an answer beside the one that copies it, if they are not there. */
  async #addRating(/** @type {Turn} */ turn, /** @type {HTMLElement} */ copy) {
    const add = await this.#host.rating(turn);
    if (add && !copy.nextSibling) this.#scrolling.change(() => add(copy));
  }

  /** @returns {TurnView} */
  #addView(/** @type {Turn} */ turn) {
    const { you, assistant } = this.#host.strings();
    const by = (/** @type {string} */ name) => node("span", { class: "unseen" }, `${name}: `);
    const question = node("div", { class: "question", part: "question" }, by(you));
    const chips = turn.files.map(({ name }) => node("li", { part: "chip" }, node("span", {}, name)));
    if (chips.length) question.append(node("ul", { class: "chips" }, ...chips));
    question.append(node("div", { class: "text", dir: "auto" }, turn.text));
    const markdown = new MarkdownView();
    const view = { markdown, after: node("div"), copy: this.#copyButton(turn, markdown), shown: "" };
    const answer = node("div", { class: "answer", part: "answer" }, by(assistant), markdown.root, view.after);
    this.root.append(node("div", { class: "turn" }, question, answer, view.copy));
    this.#views.set(turn, view);
    return view;
  }

  /** Creates the message about a failure. The latest turn gets a button to retry. */
  #failure(/** @type {Turn} */ turn, /** @type {Failure} */ failure, /** @type {boolean} */ isLast) {
    const strings = this.#host.strings();
    const box = node("div", { class: "trouble", part: "error" }, node("p", {}, failure.message));
    box.title = failure.requestId ?? "";
    const contact = this.#host.contact({}, strings.contact);
    if (contact) box.append(contact);
    if (!isLast || !canRetry(turn)) return box;
    const { until = 0 } = turn;
    const wait = node("p");
    const retry = node("button", { type: "button", part: "retry", click: () => this.#host.retry() }, strings.retry);
    box.append(wait, retry);
    const update = () => {
      const again = whenAgain(until, strings);
      wait.textContent = again;
      retry.ariaDisabled = String(again !== "");
      if (!again) clearInterval(this.#countdown);
    };
    clearInterval(this.#countdown);
    this.#countdown = setInterval(update, 500);
    update();
    return box;
  }

  /** Shows below a turn what it waits for, until more of its answer arrives. */
  showWaiting(/** @type {Turn} */ turn, /** @type {string} */ text) {
    const view = this.#views.get(turn);
    if (!view) return;
    this.announcer.status.textContent = text;
    this.#scrolling.change(() => view.after.replaceChildren(note(text)));
    // Makes the next draw render the turn.
    view.shown = "";
  }

  /** Creates the button that copies an answer as it was written by the model, without its reasoning. */
  #copyButton(/** @type {Turn} */ turn, /** @type {MarkdownView} */ markdown) {
    const { copyAnswer } = this.#host.strings();
    const click = () => this.#copy(splitReasoning(turn.answer).answer.trim(), markdown.root, button, copyAnswer);
    const button = node("button", { type: "button", class: "note quiet", part: "button copy", click }, copyAnswer);
    return button;
  }

  /** Copies the code block whose button was clicked. */
  #copyCode(/** @type {Element} */ target) {
    const button = target.closest(".copy");
    const code = button?.closest(".code")?.querySelector("code");
    if (button && code) this.#copy(code.textContent ?? "", code, button, this.#host.strings().copy);
  }

  /**
   * Copies a text, and shows that for a moment. A text that can't be copied is selected.
   *
   * @param {string} text
   * @param {Element} element what shows the text
   * @param {Element} button
   * @param {string} name what the button is called
   */
  async #copy(text, element, button, name) {
    if (!(await copyText(text, this.root))) return getSelection()?.selectAllChildren(element);
    const { copied } = this.#host.strings();
    this.announcer.status.textContent = button.textContent = copied;
    setTimeout(() => (button.textContent = name), COPIED_TIME);
  }
}
