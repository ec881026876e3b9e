import { fill } from "../strings.js";
import { decodeText } from "./text-encoding.js";
/** @import { Strings } from "../../../web/chat-window.js" */
/** @import { AttachedFile } from "../turn.js" */

const MAX_FILES = 10;

/** Largest file, in bytes. */
const MAX_FILE_SIZE = 1 << 20;

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

/**
 * Reads files, and adds them to the attached ones. Adds sentences about those that cannot be attached to `problems`.
 * @param {File[]} chosen
 * @param {AttachedFile[]} attached
 * @param {Set<string>} problems
 * @param {Strings} strings
 */
export async function readFiles(chosen, attached, problems, strings) {
  for (const file of chosen) {
    const { name } = file;
    if (attached.length >= MAX_FILES) {
      problems.add(fill(strings.tooManyFiles, { count: MAX_FILES }));
      return;
    }
    const { content, problem } = await read(file);
    if (problem) problems.add(fill(strings[problem], { name }));
    else attached.push({ name, content: content ?? "" });
  }
}
