// What the operator should look at, in sentences that say what to do.
import { node } from "../../chat-window/src/dom.js";
import { count, percent } from "./format.js";
/** @import { Limits, Queue, Site, Status } from "./data.js" */

/** @typedef {{ tone: "bad" | "warning", text: string }} Notice */

/** The number of waiting records from which their receiver seems not to answer. */
const MANY_WAITING = 100;

const OF_BREAKER = {
  open: "is not called at the moment, because too many calls failed",
  half_open: "is being tried again after failures",
};

/** Returns what needs attention, the worst first. */
export function noticesOf(/** @type {Status} */ status, /** @type {Limits | undefined} */ limits, /** @type {Site[]} */ sites) {
  /** @type {Notice[]} */
  const notices = [];
  const bad = (/** @type {string} */ text) => notices.push({ tone: "bad", text });
  const warn = (/** @type {string} */ text) => notices.push({ tone: "warning", text });
  if (!status.is_log_writable) bad("The session log cannot be written, so turns are refused. Check the disk and the folder's permissions.");
  if (!status.is_database_writable) bad("The database cannot be written, so turns are refused. Check that it runs and has room.");
  for (const { model, provider, breaker } of status.models) {
    if (breaker !== "closed") bad(`The model ${model} (${provider}) ${OF_BREAKER[breaker]}. See the errors by code below.`);
  }
  for (const { hook, breaker } of status.hooks) {
    if (breaker !== "closed") bad(`The hook ${hook} ${OF_BREAKER[breaker]}. Check its service.`);
  }
  for (const [name, { waiting }] of queuesOf(status)) {
    if (waiting > MANY_WAITING) warn(`${count(waiting)} ${name} wait to be sent. Check that their receiver answers.`);
  }
  const reached = limits?.limits.filter(({ used, reserved, quota }) => used + reserved >= quota).length ?? 0;
  const near = (limits?.limits.length ?? 0) - reached;
  if (reached) warn(`${count(reached)} ${reached === 1 ? "limit is" : "limits are"} used up: further turns are refused until the time in the table below.`);
  if (near) warn(`${count(near)} ${near === 1 ? "limit is" : "limits are"} used up to more than ${percent(0.8)}.`);
  const paused = sites.filter((site) => site.is_paused).map(({ id }) => id);
  if (paused.length) warn(`Paused: ${paused.join(", ")}.`);
  if (status.demo_mode) warn("Demo mode: no model is connected, and answers are built in. Set OPENAI_API_KEY to connect one.");
  return notices.sort((one, other) => Number(other.tone === "bad") - Number(one.tone === "bad"));
}

/**
 * Returns the queues with what waits in them.
 * @returns {[string, Queue][]}
 */
export const queuesOf = (/** @type {Status} */ { papita_queue: papita, event_queue: events }) => [
  ["usage records for Papita", papita],
  ["events for the receiver", events],
];

export class Attention {
  #shown = "";

  constructor() {
    this.list = node("ul");
    this.element = node("section", { class: "card attention", "aria-label": "Needs attention" }, this.list);
    this.update([]);
  }

  update(/** @type {Notice[]} */ notices) {
    const all = JSON.stringify(notices);
    if (all === this.#shown) return;
    this.#shown = all;
    this.element.hidden = notices.length === 0;
    this.list.replaceChildren(...notices.map(({ tone, text }) => node("li", { "data-tone": tone }, text)));
  }
}
