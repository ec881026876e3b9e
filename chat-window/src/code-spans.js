/**
 * Returns a function that returns where the code ends that follows a run of `length` backticks and begins at `from`: at
 * the next run of as many; -1 if it has no end. Positions must be asked for in ascending order.
 * @param {string} text
 */
export function codeEnds(text) {
  /**
   * The positions of the runs that were not passed yet, by length, the next one last.
   * @type {Record<number, number[]>}
   */
  const runs = {};
  for (const { 0: run, index } of [...text.matchAll(/`+/g)].reverse()) (runs[run.length] ??= []).push(index);
  return (/** @type {number} */ length, /** @type {number} */ from) => {
    const positions = runs[length] ?? [];
    while (positions.length && positions[positions.length - 1] < from) positions.pop();
    return positions.at(-1) ?? -1;
  };
}
