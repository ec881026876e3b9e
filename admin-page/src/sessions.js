// The sessions of a day, a hundred at a time, the latest first.
import { node } from "../../chat-window/src/dom.js";
import { count, dollars, loggedTime, UNKNOWN } from "./format.js";
import { json } from "./server.js";
import { openSession } from "./session.js";
import { Table } from "./table.js";
/** @import { Session, Sessions } from "./data.js" */

const PAGE_SIZE = 100;

export class SessionsPart {
  /** The cursors of the pages up to the shown one. The first page has none. @type {string[]} */
  #cursors = [];
  #today = "";
  #newer = 0;
  #request = new AbortController();

  constructor() {
    this.day = node("input", { type: "date", change: () => this.load([]) });
    this.table = new Table(
      "Sessions",
      [
        {
          name: "Session",
          node: ({ session_id: id }) =>
            node("button", { type: "button", class: "link", click: () => openSession(id, this.day.value) }, shortId(id)),
          update: (/** @type {Session} */ { session_id: id }, cell) => (/** @type {HTMLElement} */ (cell.firstChild).title = id),
        },
        { name: "Last turn", isNumber: true, text: ({ last_turn_at: at }) => loggedTime(at) },
        { name: "User", text: ({ user }) => user ?? "Guest" },
        { name: "Site", text: ({ site }) => site ?? UNKNOWN },
        { name: "Persona", text: ({ persona }) => persona ?? UNKNOWN },
        { name: "Turns", isNumber: true, text: ({ turns }) => count(turns) },
        { name: "Errors", isNumber: true, text: ({ errors }) => count(errors), tone: ({ errors }) => (errors ? "bad" : "") },
        { name: "Tokens", isNumber: true, text: ({ total_tokens: tokens }) => count(tokens) },
        { name: "Cost", isNumber: true, text: ({ cost_usd: cost }) => dollars(cost) },
        { name: "State", text: ({ has_ended: ended }) => (ended ? "Ended" : "Open") },
      ],
      ({ session_id: id }) => id,
      "No sessions on this day.",
    );
    this.problem = node("p", { class: "problem", role: "alert" });
    this.fresh = node("button", { type: "button", class: "small", hidden: "", click: () => this.load([]) });
    this.newer = node("button", { type: "button", click: () => this.load(this.#cursors.slice(0, -1)) }, "Newer");
    this.older = node("button", { type: "button", click: () => this.load([...this.#cursors, this.next]) }, "Older");
    this.position = node("p", { role: "status" });
    this.next = "";
    this.element = node(
      "section",
      { class: "card" },
      node("header", {}, node("label", { class: "day" }, node("span", {}, "Day"), this.day), this.fresh),
      this.problem,
      this.table.element,
      node("nav", { class: "row pages", "aria-label": "Pages of sessions" }, this.newer, this.position, this.older),
    );
  }

  /** Sets the log's present day. The first one is shown; later ones only if the day before was. */
  setToday(/** @type {string} */ date) {
    if (date === this.#today) return;
    const isShown = this.day.value === this.#today;
    this.#today = this.day.max = date;
    if (!isShown) return;
    this.day.value = date;
    this.load([]);
  }

  /** Counts what has happened in sessions since the list was read. Rows do not move while somebody reads them. */
  addNews() {
    if (this.day.value !== this.#today) return;
    this.#newer++;
    this.#showNews();
  }

  #showNews() {
    this.fresh.hidden = this.#newer === 0;
    this.fresh.textContent = `Show ${count(this.#newer)} ${this.#newer === 1 ? "change" : "changes"} since`;
  }

  /** Reads the page after the last of these cursors. */
  async load(/** @type {string[]} */ cursors) {
    if (!this.day.value) return;
    this.#request.abort();
    const { signal } = (this.#request = new AbortController());
    const query = new URLSearchParams({ date: this.day.value, limit: String(PAGE_SIZE) });
    const cursor = cursors.at(-1);
    if (cursor) query.set("after", cursor);
    this.element.ariaBusy = "true";
    // What happens from now on may be missing in the answer.
    this.#newer = 0;
    try {
      const page = /** @type {Sessions} */ (await json(`sessions?${query}`, { signal }));
      this.#cursors = cursors;
      this.#show(page);
    } catch (error) {
      if (signal.aborted) return;
      // Those of another day or page are not what was asked for.
      this.table.element.hidden = true;
      this.position.textContent = "";
      this.problem.textContent = `The sessions could not be read. ${/** @type {Error} */ (error).message}`;
    }
    this.element.ariaBusy = "false";
  }

  #show(/** @type {Sessions} */ { sessions, next }) {
    this.problem.textContent = "";
    this.#showNews();
    this.table.element.hidden = false;
    this.table.update(sessions);
    this.next = next ?? "";
    const before = this.#cursors.length * PAGE_SIZE;
    this.newer.disabled = before === 0;
    this.older.disabled = !next;
    this.position.textContent = sessions.length ? `${count(before + 1)} to ${count(before + sessions.length)}` : "";
    this.table.frame.scrollTop = 0;
  }
}

/** The part of a session's id that tells it from others: without the words that all have. */
const shortId = (/** @type {string} */ id) => (id.length > 26 ? `…${id.slice(-22)}` : id);
