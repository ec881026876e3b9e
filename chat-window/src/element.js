import { Frame } from "./frame.js";
import { Composer } from "./composer.js";
import { contactLink } from "./contact.js";
import { listen, node } from "./dom.js";
import { Transcript } from "./transcript.js";
import { Client } from "./client.js";
import { ConversationStorage } from "./storage.js";
import { Session } from "./session.js";
import { TurnRunner } from "./turn-runner.js";
import { ENGLISH } from "./strings.js";
import { sourcesOf } from "./restore.js";
import { canRetry, historyBefore, newKey, newTurn } from "./turn.js";
import { parseJson } from "./attempt.js";
/** @import { Strings } from "../../web/chat-window.js" */
/** @import { DoneEvent, Failure, Turn } from "./turn.js" */

/** The attributes that hold a text. Each is a property, too. */
const TEXT_ATTRIBUTES = "api site heading greeting placeholder username model persona mode theme target contact handover".split(" ");

/** The counter of a session for each end of a turn. */
const COUNTS = /** @type {const} */ ({ done: "answers", failed: "errors", stopped: "stopped" });

/** The element `<al-chat-window>`: attributes, methods and events, and the conversation behind them. */
export class AlChatWindow extends HTMLElement {
  static observedAttributes = [...TEXT_ATTRIBUTES, "strings", "portal", "feedback", "prompts", "id"];

  /** @type {Partial<Strings>} */
  #ownStrings = {};
  /** @type {string[] | undefined} */
  #ownPrompts;
  /**
   * The texts that the persona replaces.
   * @type {Partial<Strings> | undefined}
   */
  #personaStrings;
  /** @type {Turn[]} */
  #turns = [];
  /** Aborted when the element leaves the page; removes the page's listeners. */
  #attached = new AbortController();
  /** The scheduled draw, and how long the last one took in ms. */
  #drawTimer = 0;
  #drawTime = 0;
  /**
   * Loads what the server has for this window.
   * @type {Promise<unknown> | undefined}
   */
  #loading;
  /**
   * The request that clears the portal's conversation.
   * @type {Promise<void> | undefined}
   */
  #clearing;
  /** Whether the portal's conversation must be loaded again after the turn. */
  #isStale = false;
  /** Whether the server passes on that a visitor asks for a person. */
  #canHandOver = false;

  /**
   * What the window is for its parts. Each of them describes what it uses.
   * @type {import("./client.js").Host & import("./composer.js").Host & import("./frame.js").Host &
   *   import("./storage.js").Host & import("./transcript.js").Host & import("./turn-runner.js").Host}
   */
  #host = {
    attribute: (name) => this.getAttribute(name)?.trim() || undefined,
    strings: () => this.#texts,
    prompts: () => this.prompts,
    isPortal: () => this.portal,
    onDemand: () => this.#client.onDemand(),
    isConnected: () => this.isConnected,
    contact: (attributes, child) => this.#contact(attributes, child),
    rating: (turn) => this.#rating(turn),
    state: () => this.#state(),
    replaced: () => this.#restore(),
    save: () => this.#storage.save(),
    ready: () => this.#ready(),
    history: (turn) => historyBefore(turn, this.#turns),
    waiting: (turn, text) => this.#transcript.showWaiting(turn, text),
    done: (turn, event) => this.#finish(turn, event),
    failed: (turn, failure) => this.#fail(turn, failure),
    draw: () => this.#draw(),
    drawSoon: () => this.#scheduleDraw(),
    send: (question) => this.send(question),
    stop: () => this.busy && (this.stop(), true),
    retry: () => this.retry(),
    clear: () => this.clear(),
    focus: () => this.focus(),
    toggled: (isOpen) => this.#toggled(isOpen),
  };
  #storage = new ConversationStorage(this.#host);
  #client = new Client(this.#host);
  #session = new Session(this.#client, (...session) => this.#started(...session));
  #runner = new TurnRunner(this.#client, this.#session, this.#host);
  #transcript = new Transcript(this.#host);
  #composer = new Composer(this.#host);
  #frame = this.#build();

  /** Texts that replace others; they win over those of the attribute. */
  get strings() {
    return this.#ownStrings;
  }

  set strings(strings) {
    this.#ownStrings = strings ?? {};
    this.#showTexts();
  }

  /** Questions that are offered while the conversation is empty. Those of the attribute are JSON, or one a line. */
  get prompts() {
    const attribute = this.getAttribute("prompts") ?? "";
    const prompts = this.#ownPrompts ?? parseJson(attribute) ?? attribute.split("\n");
    return [prompts].flat().map((prompt) => String(prompt).trim()).filter(Boolean);
  }

  set prompts(prompts) {
    this.#ownPrompts = prompts ?? undefined;
    this.#showTexts();
  }

  /** Whether an answer is being written. */
  get busy() {
    return this.#going !== undefined;
  }

  /** Whether visitors can rate answers. */
  get feedback() {
    return this.hasAttribute("feedback");
  }

  set feedback(isOffered) {
    this.toggleAttribute("feedback", isOffered);
  }

  /** Whether the server stores the conversation and recognises the visitor by a cookie. */
  get portal() {
    return this.hasAttribute("portal");
  }

  set portal(isPortal) {
    this.toggleAttribute("portal", isPortal);
  }

  /**
   * Sends a question with the attached files. Without an argument the question is the visitor's text; with one, that
   * text stays where it is.
   *
   * @param {string} [question]
   */
  send(question) {
    if (question === undefined && !this.#composer.isReady()) return;
    const text = question ?? this.#composer.text;
    const { files } = this.#composer;
    if (this.busy || !(text.trim() || files.length)) return;
    const { attribute } = this.#host;
    const options = { username: attribute("username"), model: attribute("model"), persona: attribute("persona") };
    const turn = newTurn(text, files, options);
    this.#turns.push(turn);
    this.#composer.setContents(question === undefined ? "" : this.#composer.text, []);
    this.#transcript.root.ariaBusy = "false";
    this.#dispatch("message", { text, files: files.map(({ name }) => name) });
    this.#transcript.showEnd();
    this.#runner.start(turn);
  }

  /** Stops the answer. The text received so far stays. */
  stop() {
    const turn = this.#going;
    if (!turn) return;
    this.#end(turn, "stopped");
    this.#dispatch("answer", { text: turn.answer, finishReason: "stopped", requestId: turn.requestId });
    this.#runner.stop(turn);
  }

  /** Asks a failed question again. */
  retry() {
    const turn = this.#last;
    const { status, failure, until = 0 } = turn ?? {};
    if (!turn || status !== "failed" || until > Date.now()) return;
    if (failure?.needsNewKey) Object.assign(turn, { key: newKey(), session: undefined });
    if (!failure?.isLost) Object.assign(turn, { requestId: undefined, answer: "" });
    Object.assign(turn, { status: "going", failure: undefined });
    this.#draw();
    this.focus();
    this.#dispatch("retry");
    this.#runner.start(turn);
  }

  /** Starts a new conversation. */
  clear() {
    this.stop();
    const turns = this.#turns;
    this.#runner.cancel();
    this.#replaceTurns([]);
    this.#dispatch("clear");
    this.focus();
    if (this.portal) this.#clearing = this.#clearPortal(turns);
  }

  open() {
    this.#frame.toggle(true);
  }

  close() {
    this.#frame.toggle(false);
  }

  focus() {
    this.#composer.focus();
  }

  connectedCallback() {
    const view = this.ownerDocument.defaultView;
    // A document that no browser window shows.
    if (!view) return;
    this.#attached = new AbortController();
    const { signal } = this.#attached;
    this.#takeUpProperties();
    this.#frame.attach(view, signal);
    // After an `online` event the old connection may be dead without having noticed.
    listen(view, { pagehide: () => this.#leave(), online: () => this.#runner.reconnect() }, { signal });
    const { document } = view;
    const visibilitychange = () => (document.hidden ? this.#storage.save() : this.#loadPortal());
    listen(document, { visibilitychange }, { signal });
    if (this.#storage.open(this.#conversationName)) this.#restore();
    else this.#resume();
    this.#load();
  }

  disconnectedCallback() {
    this.#attached.abort();
    this.#runner.reconnect();
    this.#storage.close();
    // An element that was only moved is connected again by then.
    queueMicrotask(() => this.isConnected || this.#removed());
  }

  attributeChangedCallback(/** @type {string} */ name) {
    if (!this.#isAttached) return;
    if (["api", "persona", "id"].includes(name)) this.#switchConversation();
    if (["persona", "portal"].includes(name)) {
      this.#personaStrings = undefined;
      this.#load();
    }
    this.#showTexts();
  }

  /** Whether the element is in a page, and `connectedCallback` has run. */
  get #isAttached() {
    return this.#storage.name !== "" && !this.#attached.signal.aborted;
  }

  /** Sets again the properties that the page had set before this script came. */
  #takeUpProperties() {
    const own = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (this));
    for (const [name, value] of Object.entries(this)) {
      if (!(name in AlChatWindow.prototype)) continue;
      delete own[name];
      own[name] = value;
    }
  }

  get #last() {
    return this.#turns.at(-1);
  }

  /** The turn whose answer is being written. */
  get #going() {
    return this.#turns.find(({ status }) => status === "going");
  }

  /** The texts as they are now: the English ones, replaced by the persona's, the attribute's and the property's. */
  get #texts() {
    const attribute = parseJson(this.getAttribute("strings"));
    const own = this.#ownStrings;
    const texts = { ...ENGLISH, ...this.#personaStrings, ...attribute, ...own };
    texts.errors = { ...ENGLISH.errors, ...attribute?.errors, ...own.errors };
    for (const name of ["heading", "greeting", "placeholder"]) texts[name] = this.getAttribute(name) ?? texts[name];
    return texts;
  }

  /** Dispatches an event to the site. */
  #dispatch(/** @type {string} */ name, /** @type {object | undefined} */ detail = undefined) {
    this.dispatchEvent(new CustomEvent(`al-chat:${name}`, { detail, bubbles: true, composed: true }));
  }

  /** Loads what the server has for this window. The portal's log is hidden until then, so that nothing moves. */
  async #load() {
    const { root } = this.#transcript;
    root.ariaBusy = "true";
    await (this.#loading = Promise.all([this.#loadPersona(), this.#loadPortal()]));
    root.ariaBusy = "false";
  }

  /** Loads the persona's name and greeting. Heading and greeting are empty until then. */
  async #loadPersona() {
    const id = this.getAttribute("persona");
    if (!id || this.#personaStrings) return;
    this.#personaStrings = { heading: "", greeting: "" };
    this.#showTexts();
    const personas = await this.#client.get("personas");
    if (id !== this.getAttribute("persona")) return;
    const { name, greeting } = personas?.find((/** @type {{ id: string }} */ persona) => persona.id === id) ?? {};
    this.#personaStrings = name && { heading: name, assistant: name, greeting: greeting || ENGLISH.greeting };
    this.#showTexts();
  }

  /** Loads the portal's conversation. Visitors without cookies have none at the server. */
  async #loadPortal() {
    if ((this.#isStale = this.busy) || !this.portal || !navigator.cookieEnabled) return;
    const { run } = this.#runner;
    await this.#clearing;
    const [stored, onDemand] = await Promise.all([this.#client.get("../chat_history"), this.#client.onDemand()]);
    // A question that was asked meanwhile is newer than this.
    if (!stored || (this.#isStale = this.busy) || this.#runner.run !== run) return;
    const turns = onDemand?.mergeHistory(this.#turns, stored.history);
    if (turns) this.#replaceTurns(turns);
  }

  /** Clears the portal's conversation at the server; shows it again if that fails. */
  async #clearPortal(/** @type {Turn[]} */ turns) {
    await this.#runner.stopping;
    const response = await this.#client.fetch("../clear_chat", { method: "POST", keepalive: true }).catch(() => {});
    if (response?.ok) return;
    if (!this.#last) this.#replaceTurns(turns);
    this.#composer.showProblem(this.#texts.failed);
    this.#loadPortal();
  }

  /** Resolves when a question may be sent. The portal's cookie comes with the first response. */
  async #ready() {
    if (this.portal) await this.#loading;
    await this.#clearing;
  }

  /**
   * Ends a turn with the data of its `done` event.
   *
   * @param {Turn} turn
   * @param {DoneEvent} event
   */
  #finish(turn, { message: text, finish_reason: finishReason, model, usage, request_id: requestId, ...event }) {
    const { notice } = event;
    const sources = sourcesOf(event.sources);
    Object.assign(turn, { answer: text, finish: finishReason, sources, notice });
    this.#end(turn, finishReason === "stopped" ? "stopped" : "done");
    this.#dispatch("answer", { text, finishReason, model, usage, requestId, sources, notice });
  }

  /** Ends a turn with a failure, as `failureFrom` describes it. */
  #fail(/** @type {Turn} */ turn, /** @type {Failure} */ failure) {
    const { message, code, status, requestId, retryAfter = 0 } = failure;
    Object.assign(turn, { failure, until: Date.now() + 1000 * retryAfter });
    this.#end(turn, "failed");
    // A question that has to be changed goes back into the text field.
    if (!canRetry(turn) && !this.#composer.text && !this.#composer.files.length) {
      this.#composer.setContents(turn.text, turn.files.filter(({ content }) => content !== null));
    }
    this.#dispatch("error", { message, code, status, requestId, retryAfter });
  }

  #end(/** @type {Turn} */ turn, /** @type {"done" | "failed" | "stopped"} */ status) {
    turn.status = status;
    this.#session.count(COUNTS[status]);
    if (status !== "stopped") this.#frame.countAnswer();
    this.#storage.save();
    this.#draw();
    this.#transcript.announce(turn);
    // The server learns of a stop a little later, so its conversation would be too old.
    if (this.#isStale && status !== "stopped") this.#loadPortal();
  }

  #started(/** @type {string} */ sessionId, canHandOver = false) {
    this.#canHandOver = canHandOver;
    this.#frame.show(this.#texts);
    this.#dispatch("session", { sessionId });
  }

  /**
   * Creates what leads to a person: the page's link, or else the button that asks for one; undefined if there is none.
   *
   * @param {Record<string, string>} attributes
   * @param {Node | string} child
   */
  #contact(attributes, child) {
    const { attribute } = this.#host;
    const link = contactLink(attribute("contact"), attributes, child);
    if (link || !this.#canHandOver || attribute("handover") === "off") return link;
    return node("button", { type: "button", part: "contact", ...attributes, click: () => this.#askForPerson() }, child);
  }

  /** Shows the form by which the visitor asks for a person. */
  async #askForPerson() {
    const onDemand = await this.#client.onDemand();
    if (onDemand) onDemand.askForPerson(this.#texts, this.#client, this.#session, this.#last, this.#composer.root);
    else this.#composer.showProblem(this.#texts.failed);
  }

  /** Loads what adds the buttons that rate an answer; undefined if it cannot be rated. */
  async #rating(/** @type {Turn} */ turn) {
    if (!this.feedback || !turn.requestId) return undefined;
    return (await this.#client.onDemand())?.ratingOf(this.#texts, this.#client, turn, this.#host.save);
  }

  /** Windows with the same name on different pages of a site have the same conversation. */
  get #conversationName() {
    return ["al-chat-window", this.#client.base, this.getAttribute("persona"), this.id].join(" ");
  }

  /** What is stored of this window. */
  #state() {
    const { text: draft, files } = this.#composer;
    return { turns: this.#turns, draft, files, isOpen: this.#frame.isOpen, handover: this.#canHandOver };
  }

  /** Shows what is stored. What the visitor is writing stays if nothing else is stored. */
  #restore() {
    const { turns, draft, files, isOpen, handover } = this.#storage.load();
    this.#turns = turns;
    this.#canHandOver = handover;
    if (draft || files.length) this.#composer.setContents(draft, files);
    if (isOpen) this.#frame.isOpen = true;
    this.#resume();
  }

  /** Shows the conversation from its end and continues an answer. */
  #resume() {
    this.#showTexts();
    this.#transcript.showEnd();
    if (this.#going) this.#runner.start(this.#going);
  }

  /** Continues the conversation that the changed attributes name. */
  #switchConversation() {
    if (this.#storage.name === this.#conversationName) return;
    this.#runner.cancel();
    this.#runner.reconnect();
    this.#storage.close();
    this.#storage.open(this.#conversationName);
    this.#restore();
  }

  /**
   * Ends the session when the page is left. Nobody can tell whether the page will be reloaded, restored from the
   * browser's cache or never seen again. So the counts are reported now, and the conversation continues in another
   * session; an answer that is being written is read in the old one. (A phone may end a page without an event. Then the
   * server closes the session once it is idle for long.)
   */
  #leave() {
    this.#storage.save();
    this.#session.stop();
  }

  #removed() {
    this.#storage.handOver();
    this.#session.stop();
  }

  /** Shows another conversation. */
  #replaceTurns(/** @type {Turn[]} */ turns) {
    this.#turns = turns;
    this.#storage.save();
    this.#showTexts();
  }

  #build() {
    const { root: log, latest, announcer } = this.#transcript;
    const { root: form, dropZone } = this.#composer;
    const contents = [log, latest, form, dropZone, announcer.status, announcer.answer];
    const frame = new Frame(this, this.#host, contents);
    this.#composer.acceptFilesFrom(frame.panel);
    return frame;
  }

  /** Applies texts and mode, and draws everything again. */
  #showTexts() {
    if (!this.#isAttached) return;
    const texts = this.#texts;
    this.#frame.show(texts);
    this.#composer.setLabels(texts);
    this.#transcript.reset(texts);
    this.#draw();
  }

  #toggled(/** @type {boolean} */ isOpen) {
    this.#storage.save();
    this.#dispatch(isOpen ? "open" : "close");
  }

  /** Draws soon. At most a fifth of the time is spent drawing, so that the page stays usable with long answers. */
  #scheduleDraw() {
    this.#drawTimer ||= setTimeout(() => this.#draw(), Math.max(16, 4 * this.#drawTime));
  }

  /** Shows the conversation as it is now. */
  #draw() {
    const start = performance.now();
    clearTimeout(this.#drawTimer);
    this.#drawTimer = 0;
    this.#transcript.draw(this.#turns);
    this.#composer.draw(this.busy);
    this.#frame.showClear(Boolean(this.#last));
    if (this.#going) this.#transcript.announce(this.#going);
    this.#drawTime = performance.now() - start;
  }
}

for (const name of TEXT_ATTRIBUTES) {
  Object.defineProperty(AlChatWindow.prototype, name, {
    get() {
      return this.getAttribute(name);
    },
    set(value) {
      if (value === null || value === undefined) this.removeAttribute(name);
      else this.setAttribute(name, value);
    },
  });
}

if (!customElements.get("al-chat-window")) customElements.define("al-chat-window", AlChatWindow);
