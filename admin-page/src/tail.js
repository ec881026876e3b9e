// The turns and sessions as they happen, a bounded number of the latest ones, which can be held still.
import { node } from "../../chat-window/src/dom.js";
import { count, dollars, duration, loggedTime, timeOfDay, UNKNOWN } from "./format.js";
import { endOf, openSession } from "./session.js";
import { Table } from "./table.js";
/** @import { LoggedTurn, SessionEvent } from "./data.js" */

/** The largest number of rows. */
const MOST = 200;

/** @typedef {{ key: string, time: string, what: string, tone: string, who: string, where: string, model: string, tokens: string, cost: string, latency: string, session: string, date: string }} Row */

export class TailPart {
  /** The shown rows, the latest first. @type {Row[]} */
  #rows = [];
  /** What came while the rows are held, the latest first. @type {Row[]} */
  #held = [];
  #heldCount = 0;
  #isHeld = false;
  #last = 0;
  #isDue = false;

  constructor() {
    this.table = new Table(
      "The latest turns and sessions",
      [
        { name: "Time", text: (/** @type {Row} */ { time }) => time },
        { name: "What", text: ({ what }) => what, tone: ({ tone }) => tone },
        {
          name: "Session",
          node: ({ session, date }) =>
            session ? node("button", { type: "button", class: "link", title: session, click: () => openSession(session, date) }, `…${session.slice(-10)}`) : UNKNOWN,
        },
        { name: "User", text: ({ who }) => who },
        { name: "Site or persona", text: ({ where }) => where },
        { name: "Model", text: ({ model }) => model },
        { name: "Tokens", isNumber: true, text: ({ tokens }) => tokens },
        { name: "Cost", isNumber: true, text: ({ cost }) => cost },
        { name: "Time taken", isNumber: true, text: ({ latency }) => latency },
      ],
      ({ key }) => key,
      "Nothing has happened since this page was opened. New turns appear here at once.",
    );
    this.hold = node("button", { type: "button", "aria-pressed": "false", click: () => this.#setHeld(!this.#isHeld) }, "Hold still");
    this.note = node("p", { class: "remark" });
    this.element = node("section", { class: "card" }, node("header", {}, this.note, this.hold), this.table.element);
    this.#showNote();
  }

  addTurn(/** @type {LoggedTurn} */ turn) {
    this.#add({
      time: loggedTime(turn.timestamp),
      what: `Turn ${endOf(turn)}`,
      tone: turn.code ? "bad" : "",
      who: turn.user ?? "Guest",
      where: [turn.site, turn.persona].filter(Boolean).join(", ") || UNKNOWN,
      model: turn.model ?? UNKNOWN,
      tokens: count(turn.total_tokens),
      cost: dollars(turn.cost_usd),
      latency: duration(turn.latency_ms),
      session: turn.session_id ?? "",
      date: turn.timestamp.slice(0, 10),
    });
  }

  addSession(/** @type {SessionEvent} */ { timestamp, session_id: session, has_ended: hasEnded }) {
    const what = hasEnded ? "Session ended" : "Session began";
    const nothing = { model: "", tokens: "", cost: "", latency: "" };
    this.#add({ ...nothing, time: loggedTime(timestamp), what, tone: "", who: "", where: "", session, date: timestamp.slice(0, 10) });
  }

  /** Adds a row that says for how long nothing was seen. */
  addGap(/** @type {Date} */ from) {
    const text = `Not connected since ${timeOfDay(from)}: turns of that time are missing here`;
    const nothing = { who: "", where: "", model: "", tokens: "", cost: "", latency: "", session: "", date: "" };
    this.#add({ ...nothing, time: timeOfDay(new Date()), what: text, tone: "warning" });
  }

  #add(/** @type {Omit<Row, "key">} */ row) {
    const rows = this.#isHeld ? this.#held : this.#rows;
    rows.unshift({ ...row, key: String(this.#last++) });
    rows.length = Math.min(rows.length, MOST);
    if (this.#isHeld) this.#heldCount++;
    if (this.#isDue) return;
    // Many turns in a moment are shown at once.
    this.#isDue = true;
    requestAnimationFrame(() => this.#show());
  }

  #setHeld(/** @type {boolean} */ isHeld) {
    this.#isHeld = isHeld;
    this.hold.ariaPressed = String(isHeld);
    if (!isHeld) this.#rows = [...this.#held.splice(0), ...this.#rows].slice(0, MOST);
    this.#heldCount = 0;
    this.#show();
  }

  #show() {
    this.#isDue = false;
    if (!this.#isHeld) this.table.update(this.#rows);
    this.#showNote();
  }

  #showNote() {
    const kept = `The latest ${count(MOST)} are kept.`;
    this.note.textContent = this.#isHeld ? `Held still. ${count(this.#heldCount)} newer.` : kept;
    this.hold.textContent = this.#isHeld ? "Go on" : "Hold still";
  }
}
