/** Finds where the code spans of a text end: at the next run of as many backticks. */
export class CodeSpans {
  /**
   * The positions of the runs that were not passed yet, by length, the next one last.
   * @type {Map<number, number[]>}
   */
  #runs = new Map();

  /** @param {string} text */
  constructor(text) {
    for (const { 0: { length }, index } of [...text.matchAll(/`+/g)].reverse()) {
      const positions = this.#runs.get(length);
      if (positions) positions.push(index);
      else this.#runs.set(length, [index]);
    }
  }

  /**
   * Returns where the code ends that follows a run of `length` backticks and begins at `from`; -1 if it has no end.
   * Positions must be asked for in ascending order.
   * @param {number} length
   * @param {number} from
   */
  endOf(length, from) {
    const positions = this.#runs.get(length) ?? [];
    while (positions.length && positions[positions.length - 1] < from) positions.pop();
    return positions.at(-1) ?? -1;
  }
}
