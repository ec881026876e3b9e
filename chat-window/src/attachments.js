/** @import { Strings } from "../../web/chat-window.js" */
/** @import { OnDemand } from "./client.js" */
/** @import { AttachedFile } from "./turn.js" */

/**
 * The window. `onDemand` loads what few visitors need.
 * @typedef {{ strings(): Strings, onDemand(): Promise<OnDemand | undefined> }} Host
 */

/** Number of problems that are shown. */
const MAX_SHOWN = 10;

/** The files that are attached to the question. */
export class Attachments {
  /** @type {AttachedFile[]} */
  files = [];
  /** Sentences about files that could not be attached, since nothing was being read. @type {Set<string>} */
  #problems = new Set();
  #pending = 0;
  #queue = Promise.resolve();

  /** Whether files are being read. */
  get isReading() {
    return this.#pending > 0;
  }

  /**
   * Reads files and attaches them, after those that were chosen before. Returns sentences about those that could not be
   * attached.
   * @param {File[]} chosen
   * @param {Host} host
   */
  async add(chosen, host) {
    if (!this.isReading) this.#problems.clear();
    this.#pending++;
    await (this.#queue = this.#queue.then(() => this.#read(chosen, host)));
    this.#pending--;
    return [...this.#problems].slice(0, MAX_SHOWN).join(" ");
  }

  /**
   * @param {File[]} chosen
   * @param {Host} host
   */
  async #read(chosen, host) {
    const onDemand = await host.onDemand();
    if (onDemand) await onDemand.readFiles(chosen, this.files, this.#problems, host.strings());
    else this.#problems.add(host.strings().failed);
  }
}
