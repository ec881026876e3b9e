/** The text of an answer that is read from its start again, of which the reader has a part already. */
export class ReplayedText {
  #known: string;
  #read = "";

  constructor(known: string) {
    this.#known = known;
  }

  /** Returns what the reader does not have of the next piece. Pieces may be divided otherwise than the first time. */
  newPart(piece: string): string {
    const before = this.#read.length;
    this.#read += piece;
    const common = Math.min(this.#read.length, this.#known.length);
    if (this.#read.slice(0, common) !== this.#known.slice(0, common)) {
      throw new Error("The server no longer has the answer that was begun, and gave another one. Ask again.");
    }
    return piece.slice(Math.max(0, this.#known.length - before));
  }
}
