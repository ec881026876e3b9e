/** The server no longer has the answer that was begun, and gave another one. The question can be asked again. */
export class OtherAnswerError extends Error {
  override readonly name = "OtherAnswerError";

  constructor() {
    super("The server no longer has the answer that was begun, and gave another one. Ask again.");
  }
}

/** The text of an answer that is read from its start again, of which the reader has a part already. */
export class ReplayedText {
  #known: string;
  #length = 0;

  constructor(known: string) {
    this.#known = known;
  }

  /** Whether all that the reader has was read again. */
  get isComplete(): boolean {
    return this.#length >= this.#known.length;
  }

  /** Returns what the reader does not have of the next piece. Pieces may be divided otherwise than the first time. */
  newPart(piece: string): string {
    const known = this.#known.slice(this.#length, this.#length + piece.length);
    if (!piece.startsWith(known)) throw new OtherAnswerError();
    this.#length += piece.length;
    return piece.slice(known.length);
  }
}
