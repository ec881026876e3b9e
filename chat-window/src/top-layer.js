import { listen } from "./dom.js";

/** Screens on which an open bubble takes all of the screen. */
const FULL_SCREEN = "(max-width: 30rem)";

/**
 * Shows a bubble in the browser's top layer, where no box of the page moves, clips or covers it. On a phone its dialog
 * is modal: the page behind it is inert.
 */
export class TopLayer {
  #root;
  #dialog;
  #isBubble = false;
  #isOpen = false;
  /** @type {MediaQueryList | undefined} */
  #fullScreen;
  #isRendered = false;
  #isPrinting = false;

  /**
   * @param {HTMLElement} root what is in the top layer
   * @param {HTMLDialogElement} dialog the dialog in it
   */
  constructor(root, dialog) {
    this.#root = root;
    this.#dialog = dialog;
  }

  /** Whether an open bubble takes all of the screen. */
  get isFullScreen() {
    return this.#fullScreen?.matches ?? false;
  }

  /** Follows the screen and the page's layout, until the signal. */
  attach(/** @type {Window} */ view, /** @type {AbortSignal} */ signal) {
    this.#fullScreen = view.matchMedia(FULL_SCREEN);
    listen(this.#fullScreen, { change: () => this.#update() }, { signal });
    listen(view, { beforeprint: () => this.#print(true), afterprint: () => this.#print(false) }, { signal });
    this.#isRendered = false;
    const observer = new ResizeObserver(() => this.#raise());
    observer.observe(this.#root);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** Shows a bubble, open or closed, or leaves the top layer. */
  show(/** @type {boolean} */ isBubble, /** @type {boolean} */ isOpen) {
    this.#isBubble = isBubble;
    this.#isOpen = isOpen;
    this.#update();
  }

  /** Leaves the top layer while it is printed: what is in there has only one page. */
  #print(/** @type {boolean} */ isPrinting) {
    this.#isPrinting = isPrinting;
    this.#update();
  }

  #update() {
    if (!this.#root.isConnected) return;
    // Older browsers lack popovers. There the style sheet alone positions the bubble.
    const isOnTop = this.#isBubble && !this.#isPrinting;
    this.#root.popover = isOnTop ? "manual" : null;
    if (isOnTop) this.#root.togglePopover?.(true);
    this.#updateDialog(this.#isBubble && this.#isOpen);
  }

  /** Opens the dialog, modal or not, or closes it. The focus moves only where it could not stay. */
  #updateDialog(/** @type {boolean} */ isOpen) {
    const dialog = this.#dialog;
    const isModal = isOpen && this.isFullScreen && !this.#isPrinting;
    if (dialog.open === isOpen && dialog.matches(":modal") === isModal) return;
    const { activeElement } = /** @type {ShadowRoot} */ (dialog.getRootNode());
    const focused = /** @type {HTMLElement | null} */ (activeElement);
    if (dialog.open) dialog.close();
    if (isModal) dialog.showModal();
    // The method `show` would move the focus.
    else dialog.open = isOpen;
    if (isOpen) focused?.focus({ preventScroll: true });
  }

  /** Raises the bubble above a dialog of the page that it is in, whenever that has been opened. */
  #raise() {
    const wasRendered = this.#isRendered;
    this.#isRendered = this.#root.getClientRects().length > 0;
    if (!this.#isBubble || wasRendered || !this.#isRendered) return;
    this.#root.togglePopover?.(false);
    this.#root.togglePopover?.(true);
  }
}
