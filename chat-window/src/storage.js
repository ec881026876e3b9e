import { attempt, parseJson } from "./attempt.js";
import { restoreFiles, restoreTurns } from "./restore.js";

/**
 * What is stored of a window: the conversation, what the visitor has not sent yet, whether a bubble is open, and whether
 * the visitor can ask for a person.
 *
 * @typedef {{ turns: import("./turn.js").Turn[], draft: string, files: import("./turn.js").AttachedFile[],
 *   isOpen: boolean, handover: boolean }} WindowState
 */

/** Time after its insertion in which a window may replace another one, in ms: a page's transition may show both. */
const MAX_TRANSITION = 5000;

/**
 * The windows of this page by the key of their conversation. Each has a key of its own, so that two windows don't share
 * a conversation.
 *
 * @type {Map<string, ConversationStorage>}
 */
const owners = new Map();

/** Values that are not in `sessionStorage`, or not whole, because it is forbidden or full. They last as long as the page. */
const unstored = new Map();

/** Returns a stored value; null if there is none. */
export const readStored = (/** @type {string} */ key) =>
  unstored.has(key) ? unstored.get(key) : parseJson(attempt(() => sessionStorage.getItem(key)));

/** Stores a value. Returns whether there was room for it. */
const write = (/** @type {string} */ key, /** @type {unknown} */ value) =>
  attempt(() => {
    sessionStorage.setItem(key, JSON.stringify(value));
    unstored.delete(key);
    return true;
  });

/** Stores a value; one of the smaller ones if there is no room for the whole one, which then lasts as long as the page. */
export function store(/** @type {string} */ key, /** @type {unknown} */ whole, /** @type {unknown[]} */ ...smaller) {
  if (write(key, whole)) return;
  smaller.some((value) => write(key, value));
  unstored.set(key, whole);
}

/** Returns the turns in less and less space: without the files' contents, then fewer and fewer of the latest turns. */
function smallerTurns(/** @type {import("./turn.js").Turn[]} */ turns) {
  const sizes = [];
  let rest = turns.map((turn) => ({ ...turn, files: turn.files.map(({ name }) => ({ name, content: null })) }));
  for (; rest.length; rest = rest.slice(Math.ceil(rest.length / 2))) sizes.push(rest);
  return sizes;
}

/**
 * The window. `state()` is what to store; `replaced()` is called when the window has the conversation of the one that it
 * replaces, to be loaded.
 * @typedef {{ state(): WindowState, replaced(): void }} Host
 */

/** Stores what a window shows in the tab's `sessionStorage`; where that is impossible, for as long as the page. */
export class ConversationStorage {
  /** The name that the conversation was opened by. */
  name = "";
  #host;
  #key = "";
  #isOpen = false;
  #openedAt = 0;

  constructor(/** @type {Host} */ host) {
    this.#host = host;
  }

  /** Claims the first free key of a name. Returns false if the window has only been moved and has its key still. */
  open(/** @type {string} */ name) {
    const isMoved = owners.get(this.#key) === this && this.name === name;
    if (!isMoved) this.#claim(this.#freeKey(name));
    this.name = name;
    this.#isOpen = true;
    this.#openedAt = performance.now();
    return !isMoved;
  }

  #freeKey(/** @type {string} */ name) {
    const isFree = (/** @type {string} */ key) => ![...owners.values()].some((owner) => owner.#isOpen && owner.#key === key);
    if (name === this.name && isFree(this.#key)) return this.#key;
    let number = 1;
    while (!isFree(`${name} ${number}`)) number++;
    return `${name} ${number}`;
  }

  #claim(/** @type {string} */ key) {
    if (owners.get(this.#key) === this) owners.delete(this.#key);
    this.#key = key;
    owners.set(key, this);
  }

  /** Saves, and lets another window have the key. */
  close() {
    this.save();
    this.#isOpen = false;
  }

  /** Gives the conversation of a window that was removed to an unused one that came to replace it. */
  handOver() {
    if (owners.get(this.#key) !== this) return;
    owners.delete(this.#key);
    const successor = [...owners.values()].find((other) => other.name === this.name && other.#isUnused());
    if (!successor) return;
    successor.#claim(this.#key);
    successor.#host.replaced();
  }

  #isUnused() {
    const { turns, draft, files } = this.#host.state();
    const isNew = performance.now() - this.#openedAt < MAX_TRANSITION;
    return this.#isOpen && isNew && !turns.length && !draft && !files.length;
  }

  /** The key of what is not part of the conversation. It is stored apart, so that a long draft leaves room for that. */
  get #draftKey() {
    return `${this.#key} draft`;
  }

  /** Returns what is stored. Values that this script has not written are ignored. @returns {WindowState} */
  load() {
    const { draft, files, isOpen, handover } = Object(readStored(this.#draftKey));
    return {
      turns: restoreTurns(readStored(this.#key)),
      draft: typeof draft === "string" ? draft : "",
      files: restoreFiles(files),
      isOpen: isOpen === true,
      handover: handover === true,
    };
  }

  /** Stores what the window shows now. */
  save() {
    if (!this.#isOpen) return;
    const { turns, draft, files, ...rest } = this.#host.state();
    if (!write(this.#key, turns)) {
      // The draft makes room.
      attempt(() => sessionStorage.removeItem(this.#draftKey));
      store(this.#key, turns, ...smallerTurns(turns));
    }
    store(this.#draftKey, { draft, files, ...rest }, { draft, ...rest }, rest);
  }
}
