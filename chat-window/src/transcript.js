import { listen, node } from "./dom.js";
import { MarkdownView } from "./markdown.js";
import { Scrolling } from "./scrolling.js";
import { fill } from "./strings.js";
import { canRetry } from "./turn.js";

/** Shortest piece of a growing answer that is read out, in characters. */
const MIN_ANNOUNCEMENT = 80;

const note = (text) => node("div", { class: "note" }, text);

/** Shows the turns, and announces them to screen readers. `host` is the window, with `strings()` and `retry()`. */
export class Transcript {
  root = node("div", { class: "log", part: "log", role: "log", "aria-live": "off", tabindex: 0 });
  /** Announces the answer. The log itself would be read out word by word as it grows, so this gets whole sentences. */
  live = node("div", { class: "unseen", "aria-live": "polite" });
  /** Announces what happens. */
  status = node("div", { class: "unseen", role: "status" });
  #scrolling = new Scrolling(this.root);
  /** Leads to the end of the conversation. */
  latest = this.#scrolling.button;
  #host;
  /** Whether all views have to be drawn again. */
  #isReset = false;
  #greeting = node("div", { class: "answer text", part: "answer greeting", dir: "auto" });
  /** The view of each turn: `{ markdown, after, shown }`. */
  #views = new Map();
  /** Number of the answer's characters that were announced. */
  #announced = 0;
  /** Updates the seconds until a turn may be retried. */
  #countdown = 0;

  constructor(host) {
    this.#host = host;
    listen(this.root, { click: (event) => this.#copyCode(event.target) });
  }

  /** Shows the end of the conversation. */
  showEnd() {
    this.#scrolling.toEnd();
  }

  /** Applies the texts. The next draw shows everything again. */
  reset(strings) {
    this.#greeting.textContent = strings.greeting;
    this.root.ariaLabel = strings.conversation;
    this.#scrolling.setLabels(strings);
    this.#isReset = true;
  }

  /** Shows the turns that changed. */
  draw(turns) {
    const last = turns.at(-1);
    const drawAll = () => {
      if (this.#isReset) this.#removeViews();
      for (const turn of turns) this.#drawTurn(turn, turn === last);
    };
    this.#scrolling.change(drawAll, turns.length + (last?.answer.length ?? 0));
  }

  /** Removes all views and shows the greeting. */
  #removeViews() {
    this.#isReset = false;
    this.#views.clear();
    this.root.replaceChildren(...(this.#greeting.textContent ? [this.#greeting] : []));
  }

  #drawTurn(turn, isLast) {
    const view = this.#views.get(turn) ?? this.#addView(turn);
    const { status, answer, finish } = turn;
    const shown = [status, answer.length, isLast].join();
    if (view.shown === shown) return;
    view.shown = shown;
    const strings = this.#host.strings();
    view.markdown.show(answer, status === "going", { strings });
    const dots = () => node("div", { class: "dots" }, node("i"), node("i"), node("i"));
    const after = [];
    if (status === "going" && !answer) after.push(dots());
    if (status === "stopped") after.push(note(strings.stopped));
    if (finish === "length") after.push(note(strings.cutShort));
    if (turn.failure) after.push(this.#failure(turn, isLast, strings));
    view.after.replaceChildren(...after);
  }

  #addView(turn) {
    const { you, assistant } = this.#host.strings();
    const by = (name) => node("span", { class: "unseen" }, `${name}: `);
    const question = node("div", { class: "question", part: "question" }, by(you));
    const chips = turn.files.map(({ name }) => node("li", { part: "chip" }, node("span", {}, name)));
    if (chips.length) question.append(node("ul", { class: "chips" }, ...chips));
    question.append(node("div", { class: "text", dir: "auto" }, turn.text));
    const view = { markdown: new MarkdownView(), after: node("div"), shown: "" };
    const answer = node("div", { class: "answer", part: "answer" }, by(assistant), view.markdown.root, view.after);
    this.root.append(node("div", { class: "turn" }, question, answer));
    this.#views.set(turn, view);
    return view;
  }

  /** Creates the message about a failure. The latest turn gets a button to retry. */
  #failure(turn, isLast, strings) {
    const box = node("div", { class: "trouble", part: "error" }, node("p", {}, turn.failure.message));
    box.title = turn.failure.requestId ?? "";
    if (!isLast || !canRetry(turn)) return box;
    const wait = node("p");
    const retry = node("button", { type: "button", part: "retry", click: () => this.#host.retry() }, strings.retry);
    box.append(wait, retry);
    const update = () => {
      const seconds = Math.ceil((turn.until - Date.now()) / 1000);
      wait.textContent = seconds > 0 ? fill(strings.wait, { seconds }) : "";
      retry.ariaDisabled = seconds > 0;
    };
    clearInterval(this.#countdown);
    this.#countdown = setInterval(update, 500);
    update();
    return box;
  }

  /** Shows below a turn what it waits for, until more of its answer arrives. */
  showWaiting(turn, text) {
    const view = this.#views.get(turn);
    this.status.textContent = text;
    this.#scrolling.change(() => view.after.replaceChildren(note(text)));
    // Makes the next draw render the turn.
    view.shown = "";
  }

  /** Announces the answer's sentences that are complete and new. */
  announce({ answer, status }) {
    const isGoing = status === "going";
    if (!answer || answer.length < this.#announced) {
      this.#announced = 0;
      this.live.replaceChildren();
      if (isGoing) this.status.textContent = this.#host.strings().writing;
    }
    const rest = answer.slice(this.#announced);
    const ends = [". ", "! ", "? ", "。", "\n"].map((mark) => rest.lastIndexOf(mark) + 1);
    const end = isGoing ? Math.max(...ends) : rest.length;
    if (!end || (isGoing && end < MIN_ANNOUNCEMENT)) return;
    this.#announced += end;
    this.status.textContent = "";
    this.live.append(node("p", {}, rest.slice(0, end).replace(/[*_`#>|~]+/g, "")));
  }

  /** Copies the code block whose button was clicked. */
  async #copyCode(target) {
    const button = target.closest(".copy");
    if (!button) return;
    const code = button.closest(".code").querySelector("code");
    const { copy, copied } = this.#host.strings();
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = this.status.textContent = copied;
      setTimeout(() => (button.textContent = copy), 2000);
    } catch {
      // The clipboard is forbidden: select the code instead.
      getSelection().selectAllChildren(code);
    }
  }
}
