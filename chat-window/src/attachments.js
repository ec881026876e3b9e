import { fill } from "./strings.js";
import { decodeText } from "./text-encoding.js";
/** @import { Strings } from "../../web/chat-window.js" */
/** @import { AttachedFile } from "./turn.js" */

const MAX_FILES = 10;

/** Largest file, in bytes. */
const MAX_FILE_SIZE = 1 << 20;

/** Number of problems that are shown. */
const MAX_SHOWN = 10;

/**
 * Reads a file. Returns its content, or the name of the string that says why it can't be attached.
 * @param {File} file
 * @returns {Promise<{ content?: string, problem?: "fileNotText" | "fileTooLarge" }>}
 */
async function read(file) {
  if (file.size > MAX_FILE_SIZE) return { problem: "fileTooLarge" };
  // Folders and files that have vanished cannot be read.
  const buffer = await file.arrayBuffer().catch(() => new ArrayBuffer(0));
  const content = decodeText(new Uint8Array(buffer));
  return content?.trim() && !content.startsWith("%PDF-") ? { content } : { problem: "fileNotText" };
}

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
   * @param {Strings} strings
   */
  async add(chosen, strings) {
    if (!this.isReading) this.#problems.clear();
    this.#pending++;
    await (this.#queue = this.#queue.then(() => this.#addInOrder(chosen, strings)));
    this.#pending--;
    return [...this.#problems].slice(0, MAX_SHOWN).join(" ");
  }

  /**
   * @param {File[]} chosen
   * @param {Strings} strings
   */
  async #addInOrder(chosen, strings) {
    for (const file of chosen) {
      const { name } = file;
      if (this.files.length >= MAX_FILES) {
        this.#problems.add(fill(strings.tooManyFiles, { count: MAX_FILES }));
        return;
      }
      const { content, problem } = await read(file);
      if (problem) this.#problems.add(fill(strings[problem], { name }));
      else this.files.push({ name, content: content ?? "" });
    }
  }
}
