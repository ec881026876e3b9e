/** Keys in use on this page. Each window has a key of its own, so that two windows don't share a conversation. */
const usedKeys = new Set();

/** Parses JSON; returns null for anything else. */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * Stores a window's turns in the tab's `sessionStorage`. Where that is forbidden, the conversation lasts as long as the
 * page.
 */
export class ConversationStorage {
  #key = "";

  /** Claims the first free key of this name. */
  open(name) {
    for (let number = 1; usedKeys.has((this.#key = `${name} ${number}`)); number++);
    usedKeys.add(this.#key);
  }

  /** Releases the key for another window. */
  close() {
    usedKeys.delete(this.#key);
  }

  /** Returns the stored turns. */
  load() {
    try {
      return parseJson(sessionStorage.getItem(this.#key)) ?? [];
    } catch {
      // Storage is forbidden.
      return [];
    }
  }

  /** Stores turns; without the files' contents if they are too large. */
  save(turns) {
    const write = (turns) => sessionStorage.setItem(this.#key, JSON.stringify(turns));
    const withoutContents = (turn) => ({ ...turn, files: turn.files.map(({ name }) => ({ name, content: null })) });
    try {
      write(turns);
    } catch {
      try {
        write(turns.map(withoutContents));
      } catch {
        // Storage is forbidden or full: after a reload the conversation is empty.
      }
    }
  }
}
