import { isComposing } from "./keyboard.js";

/** Events that only watch a gesture. Their listeners must not delay it. */
const PASSIVE_TYPES = ["wheel", "touchmove"];

/**
 * Events that pages listen for on the whole document: to run shortcuts, to scroll themselves, to take or forbid what is
 * pasted, dropped, copied or selected, and to lead the focus back into a dialog.
 */
const TYPES = [
  ...["keydown", "keypress", "keyup", "focusin", "selectstart", "contextmenu", "copy", "cut", "paste"],
  ...["dragenter", "dragover", "dragleave", "drop", ...PASSIVE_TYPES],
];

/** @typedef {Record<string, (event: any) => unknown>} Listeners */

/** @type {WeakMap<EventTarget, Listeners>} */
const isolatedListeners = new WeakMap();

/**
 * Adds listeners of isolated events, one per type, to an element in the panel. `addEventListener` is of no use for
 * them: the page's `window` is where their propagation ends. Therefore `event.target` may be the host element.
 */
export function listenIsolated(/** @type {EventTarget} */ target, /** @type {Listeners} */ listeners) {
  isolatedListeners.set(target, { ...isolatedListeners.get(target), ...listeners });
}

/** Keys for the page: Tab, which its dialogs watch, and Escape if it had no use in the panel. */
function isForPage(/** @type {Event} */ event) {
  const { type, key } = /** @type {KeyboardEvent} */ (event);
  if (type !== "keydown" || isComposing(/** @type {KeyboardEvent} */ (event))) return false;
  return key === "Tab" || (key === "Escape" && !event.defaultPrevented);
}

/** Keeps the events in the panel from the listeners of the page around it. */
export class EventIsolation {
  #panel;
  /** The event that was received last. Those for the page arrive twice. */
  #latest = new Event("");
  /** The last key whose `keydown` was kept from the page. Its `keyup` is too, although the focus may have moved. */
  #heldKey = "";

  constructor(/** @type {HTMLElement} */ panel) {
    this.#panel = panel;
    // For events that do not show the page's window where they are: those in a closed shadow tree.
    this.attach(panel);
  }

  /** Isolates the panel from what listens beyond a target, such as the page's window, until the signal. */
  attach(/** @type {EventTarget} */ target, /** @type {AbortSignal | undefined} */ signal = undefined) {
    for (const type of TYPES) {
      const passive = PASSIVE_TYPES.includes(type);
      target.addEventListener(type, (event) => this.#receive(event), { capture: true, passive, signal });
    }
  }

  #receive(/** @type {Event} */ event) {
    if (event === this.#latest) return;
    const path = event.composedPath();
    const inside = path.slice(0, path.indexOf(this.#panel) + 1);
    if (inside.length) this.#latest = event;
    for (const target of inside) isolatedListeners.get(target)?.[event.type]?.(event);
    const { type, code } = /** @type {KeyboardEvent} */ (event);
    const isKept = inside.length ? !isForPage(event) : type === "keyup" && code === this.#heldKey;
    if (type === "keydown") this.#heldKey = isKept ? code : "";
    if (isKept) event.stopImmediatePropagation();
  }
}
