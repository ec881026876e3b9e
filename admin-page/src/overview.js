// Figures of today: what runs now, the sums, and charts and tables of them.
import { node } from "../../chat-window/src/dom.js";
import { Chart } from "./chart.js";
import { count, day, longDay, UNKNOWN } from "./format.js";
import { figureColumns, MEASURES } from "./measures.js";
import { Table } from "./table.js";
/** @import { Day, Group, Overview, Status } from "./data.js" */

const NO_TURNS = "No turns today yet.";

/** The groups of the table, by the property of the overview. */
const GROUPINGS = /** @type {const} */ ([
  ["by_model", "Model", "No model"],
  ["by_site", "Site", "No site"],
  ["by_persona", "Persona", "No persona"],
]);

export class OverviewPart {
  #measure = MEASURES[0];
  #grouping = /** @type {typeof GROUPINGS[number]} */ (GROUPINGS[0]);
  /** @type {Overview | undefined} */
  #overview;
  /** Earlier days; `undefined` if they could not be read. @type {Day[] | undefined} */
  #days = [];

  constructor() {
    this.date = node("p", { class: "date" });
    this.now = node("p", { class: "now" });
    this.cards = MEASURES.map((measure) => {
      const value = node("strong", {}, UNKNOWN);
      const note = node("small");
      const input = node("input", { type: "radio", name: "measure", value: measure.id, change: () => this.#choose(measure) });
      input.checked = measure === this.#measure;
      return { measure, value, note, element: node("label", { class: "figure" }, input, node("span", {}, measure.name), value, note) };
    });
    this.hours = new Chart("by hour", "Hour", NO_TURNS);
    this.days = new Chart("by day", "Day", "No turns in the last 30 days.");
    const figures = node("fieldset", { class: "figures" }, node("legend", { class: "unseen" }, "Figure in the charts"), ...this.cards.map(({ element }) => element));
    this.groups = new Table(
      "Turns of today by group",
      [{ name: "Name", text: (/** @type {Group} */ { group }) => group ?? this.#grouping[2] }, ...figureColumns],
      ({ group }) => JSON.stringify([this.#grouping[0], group]),
      NO_TURNS,
    );
    const choices = GROUPINGS.map((grouping) => {
      const input = node("input", { type: "radio", name: "grouping", value: grouping[0], change: () => this.#group(grouping) });
      input.checked = grouping === this.#grouping;
      return node("label", {}, input, node("span", {}, grouping[1]));
    });
    const choice = node("fieldset", { class: "choice" }, node("legend", { class: "unseen" }, "Turns by"), ...choices);
    this.remark = node("p", { class: "remark" });
    this.element = node(
      "div",
      { class: "stack" },
      node("div", { class: "line" }, this.date, this.now),
      figures,
      node("div", { class: "charts" }, this.hours.element, this.days.element),
      node("section", { class: "card" }, node("header", {}, node("h3", {}, "Where they come from"), choice), this.groups.element, this.remark),
    );
  }

  /** Shows the sums of today. */
  update(/** @type {Overview} */ overview) {
    this.#overview = overview;
    this.#show();
  }

  /** Shows earlier days, or that they could not be read. */
  setDays(/** @type {Day[] | undefined} */ days) {
    this.#days = days;
    this.#show();
  }

  /** Shows what runs now; without a status, that this is not known. */
  setStatus(/** @type {Status | undefined} */ status) {
    const parts = status
      ? [
          [count(status.turns_running), "running"],
          [count(status.turns_waiting), "waiting"],
        ]
      : [[UNKNOWN, "(not known)"]];
    this.now.replaceChildren("Now: ", ...parts.flatMap(([number, name], index) => [...(index ? [", "] : []), node("b", {}, number), ` ${name}`]));
  }

  #choose(/** @type {typeof MEASURES[number]} */ measure) {
    this.#measure = measure;
    this.#show();
  }

  #group(/** @type {typeof GROUPINGS[number]} */ grouping) {
    this.#grouping = grouping;
    this.#show();
  }

  #show() {
    const overview = this.#overview;
    if (!overview) return;
    const { date, time_zone: zone, total, by_hour: hours } = overview;
    this.date.textContent = `${longDay(date)} (${zone})`;
    for (const { measure, value, note } of this.cards) {
      value.textContent = measure.text(measure.value(total));
      note.textContent = measure.note(total);
    }
    this.hours.update(this.#measure, hourBars(hours));
    this.days.update(this.#measure, dayBars(this.#days ?? [], overview));
    this.groups.update(overview[this.#grouping[0]]);
    this.remark.textContent = remarkOn(overview);
    this.days.problem.textContent = this.#days ? "" : "The earlier days could not be read, and are missing here. They are tried again.";
  }
}

/** The hours of a day. Two with the same name, when clocks are set back, are one in the log's report. */
function hourBars(/** @type {Group[]} */ groups) {
  const byHour = new Map(groups.map(({ group, figures }) => [group?.slice(-2), figures]));
  return Array.from({ length: 24 }, (_, hour) => {
    const short = String(hour).padStart(2, "0");
    return { short, name: `${short}:00–${short}:59`, figures: byHour.get(short) ?? null };
  });
}

/** The last days, with today's present figures. */
function dayBars(/** @type {Day[]} */ days, /** @type {Overview} */ { date, total }) {
  const byDate = new Map(days.map(({ date, figures }) => [date, figures]));
  byDate.set(date, total);
  const today = Date.parse(`${date}T00:00:00Z`);
  return Array.from({ length: 30 }, (_, index) => {
    const name = new Date(today - (29 - index) * 86_400_000).toISOString().slice(0, 10);
    return { short: day(name), name: day(name), figures: byDate.get(name) ?? null };
  });
}

/** What the figures lack. */
function remarkOn(/** @type {Overview} */ { lines_left_out: lines, unreadable_files: files }) {
  const parts = [];
  if (lines) parts.push(`${count(lines)} damaged or repeated lines of the log are not counted.`);
  if (files) parts.push("The log could not be read to its end: turns are missing here.");
  if (parts.length) parts.push("`al-chat log verify` shows where.");
  return parts.join(" ");
}
