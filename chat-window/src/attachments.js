import { fill } from "./strings.js";
import { decodeText } from "./text-encoding.js";
/** @import { Strings } from "../../web/chat-window.js" */
/** @import { AttachedFile } from "./turn.js" */
/** @import { ChosenFile } from "./transfer.js" */

const MAX_FILES = 10;

/** Largest file, in bytes. */
const MAX_FILE_SIZE = 1 << 20;

/** Number of problems, and of names in a problem, that are told. */
const MAX_TOLD = 10;

/** Files that browsers know as something else than text, even if they contain no byte that no text has. */
const NOT_TEXT = /^(image\/(?!svg)|application\/pdf)/;

/** Joins the first of many texts. */
function joinFirst(/** @type {string[]} */ texts, /** @type {string} */ separator) {
  return [...texts.slice(0, MAX_TOLD), ...(texts.length > MAX_TOLD ? ["…"] : [])].join(separator);
}

/**
 * Reads a file. Returns its content, or the name of the string that says why it can't be attached.
 * @param {ChosenFile} chosen
 * @returns {Promise<{ content: string } | { problem: keyof Strings }>}
 */
async function read({ file, isFolder }) {
  if (isFolder) return { problem: "fileFolder" };
  if (NOT_TEXT.test(file.type)) return { problem: "fileNotText" };
  if (file.size > MAX_FILE_SIZE) return { problem: "fileTooLarge" };
  const buffer = await file.arrayBuffer().catch(() => undefined);
  if (!buffer) return { problem: "fileUnreadable" };
  const content = decodeText(new Uint8Array(buffer));
  if (content === undefined) return { problem: "fileEncoding" };
  if (content === null || content.startsWith("%PDF-")) return { problem: "fileNotText" };
  return content.trim() ? { content } : { problem: "fileEmpty" };
}

/** The files that are attached to the question. */
export class Attachments {
  /** @type {AttachedFile[]} */
  files = [];
  /** Why files could not be attached, since nothing was being read. @type {string[]} */
  #problems = [];
  /** The names of the files that were too many, since then. @type {string[]} */
  #surplus = [];
  #pending = 0;
  #queue = Promise.resolve();

  /** Whether files are being read. */
  get isReading() {
    return this.#pending > 0;
  }

  /**
   * Reads files and attaches them, after those that were chosen before. Returns sentences about those that could not be
   * attached.
   * @param {ChosenFile[]} chosen
   * @param {Strings} strings
   */
  async add(chosen, strings) {
    if (!this.isReading) [this.#problems, this.#surplus] = [[], []];
    this.#pending++;
    await (this.#queue = this.#queue.then(() => this.#addInOrder(chosen, strings)));
    this.#pending--;
    return this.#allProblems(strings);
  }

  /**
   * @param {ChosenFile[]} chosen
   * @param {Strings} strings
   */
  async #addInOrder(chosen, strings) {
    for (const one of chosen) {
      const { name } = one.file;
      const result = this.files.length < MAX_FILES ? await read(one) : undefined;
      if (!result) this.#surplus.push(name);
      else if ("problem" in result) this.#problems.push(fill(String(strings[result.problem]), { name }));
      else this.files.push({ name, content: result.content });
    }
  }

  #allProblems(/** @type {Strings} */ strings) {
    const values = { count: MAX_FILES, names: joinFirst(this.#surplus, ", ") };
    const surplus = this.#surplus.length ? [fill(strings.tooManyFiles, values)] : [];
    return joinFirst([...surplus, ...this.#problems], " ");
  }
}
