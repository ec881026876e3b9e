// Tables whose cells follow the data: rows and cells stay, and only what differs is changed.
import { node } from "../../chat-window/src/dom.js";

/**
 * A column: its head, and what a row has in it, a text or nodes that stay as long as the row does.
 * @template Row
 * @typedef {object} Column
 * @property {string} name
 * @property {(row: Row) => string} [text]
 * @property {(row: Row) => Node | string} [node] made once for each row
 * @property {(row: Row, cell: HTMLElement) => void} [update] changes what `node` has made
 * @property {boolean} [isNumber]
 * @property {(row: Row) => string} [tone] `good`, `warning`, `bad` or nothing
 */

/**
 * @template Row
 */
export class Table {
  /** @type {Map<string, HTMLTableRowElement>} */
  #rows = new Map();

  /**
   * @param {string} caption what the table is, for those who cannot see its place
   * @param {Column<Row>[]} columns the first one names the row
   * @param {(row: Row) => string} keyOf
   * @param {string} empty the sentence without rows
   */
  constructor(caption, columns, keyOf, empty) {
    this.columns = columns;
    this.keyOf = keyOf;
    const heads = columns.map(({ name, isNumber }) => node("th", { scope: "col", ...(isNumber && { class: "number" }) }, name));
    this.body = node("tbody");
    const table = node("table", {}, node("caption", { class: "unseen" }, caption), node("thead", {}, node("tr", {}, ...heads)), this.body);
    // A table that is wider than the screen is moved with the arrow keys.
    this.frame = node("div", { class: "table", role: "region", "aria-label": caption, tabindex: 0 }, table);
    this.empty = node("p", { class: "empty" }, empty);
    this.element = node("div", {}, this.frame, this.empty);
    this.update([]);
  }

  /** Shows these rows in their order. */
  update(/** @type {Row[]} */ rows) {
    this.frame.hidden = rows.length === 0;
    this.empty.hidden = rows.length > 0;
    /** @type {Map<string, HTMLTableRowElement>} */
    const next = new Map();
    let place = this.body.firstElementChild;
    for (const row of rows) {
      const key = this.keyOf(row);
      const element = this.#rows.get(key) ?? this.#create(row);
      this.#rows.delete(key);
      this.#fill(element, row);
      if (element === place) place = place.nextElementSibling;
      else this.body.insertBefore(element, place);
      next.set(key, element);
    }
    this.#rows.forEach((element) => element.remove());
    this.#rows = next;
  }

  #create(/** @type {Row} */ row) {
    const cells = this.columns.map(({ node: make, isNumber }, index) => {
      const look = isNumber ? { class: "number" } : undefined;
      const cell = index === 0 ? node("th", { scope: "row", ...look }) : node("td", look);
      if (make) cell.append(make(row));
      return cell;
    });
    return node("tr", {}, ...cells);
  }

  #fill(/** @type {HTMLTableRowElement} */ element, /** @type {Row} */ row) {
    this.columns.forEach(({ text, update, tone }, index) => {
      const cell = element.cells[index];
      update?.(row, cell);
      if (tone) cell.dataset.tone = tone(row);
      const content = text?.(row);
      if (content !== undefined && cell.textContent !== content) cell.textContent = content;
    });
  }
}
