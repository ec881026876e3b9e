// The health of the service and of what it depends on.
import { node } from "../../chat-window/src/dom.js";
import { queuesOf } from "./attention.js";
import { age, count, moment } from "./format.js";
import { Table } from "./table.js";
/** @import { Queue, Status } from "./data.js" */

const BREAKERS = /** @type {const} */ ({
  closed: ["Works", "good"],
  half_open: ["Being tried again", "warning"],
  open: ["Not called: too many failures", "bad"],
});

/** @typedef {keyof typeof BREAKERS} Breaker */

const breaker = (/** @type {{ breaker: Breaker }} */ { breaker }) => BREAKERS[breaker][0];
const breakerTone = (/** @type {{ breaker: Breaker }} */ { breaker }) => BREAKERS[breaker][1];

/** Where a key comes from. @type {Record<string, string>} */
const SOURCES = { papita_api: "Papita", local_env: "settings of this server", none: "none" };

const card = (/** @type {string} */ title, /** @type {Node[]} */ ...children) =>
  node("section", { class: "card" }, node("header", {}, node("h3", {}, title)), ...children);

export class ServicePart {
  constructor() {
    this.facts = node("dl", { class: "facts" });
    this.models = new Table(
      "Models",
      [
        { name: "Model", text: (/** @type {{ model: string, provider: string, breaker: Breaker }} */ { model }) => model },
        { name: "Provider", text: ({ provider }) => provider },
        { name: "State", text: breaker, tone: breakerTone },
      ],
      ({ provider, model }) => JSON.stringify([provider, model]),
      "No model is connected.",
    );
    this.keys = new Table(
      "Keys of providers",
      [
        { name: "Provider", text: (/** @type {Status["keys"][number]} */ { provider }) => provider },
        { name: "Source", text: ({ source }) => SOURCES[source] ?? source },
        { name: "Age", isNumber: true, text: ({ age_seconds: seconds }) => age(seconds) },
      ],
      ({ provider }) => provider,
      "No key is in use.",
    );
    this.hooks = new Table(
      "Hooks",
      [
        { name: "Hook", text: (/** @type {Status["hooks"][number]} */ { hook }) => hook },
        { name: "State", text: breaker, tone: breakerTone },
      ],
      ({ hook }) => hook,
      "No guard and no context hook are set.",
    );
    this.queues = new Table(
      "Queues",
      [
        { name: "What is sent", text: (/** @type {Queue & { name: string }} */ { name }) => name },
        { name: "Waiting", isNumber: true, text: ({ waiting }) => count(waiting) },
        { name: "Dropped in all", isNumber: true, text: ({ dropped }) => count(dropped) },
      ],
      ({ name }) => name,
      "Nothing is sent to other services.",
    );
    this.element = node(
      "div",
      { class: "stack" },
      node("div", { class: "pair" }, card("This process", this.facts), card("Models", this.models.element)),
      node("div", { class: "pair" }, card("Keys of providers", this.keys.element), card("Hooks", this.hooks.element)),
      card("Queues", this.queues.element),
    );
  }

  update(/** @type {Status} */ status) {
    const { is_log_writable: log, is_database_writable: database, replicas } = status;
    this.#setFacts([
      ["Version", status.version],
      ["Started", moment(status.started_at)],
      ["Turns", `${count(status.turns_running)} running, ${count(status.turns_waiting)} waiting, at most ${count(status.max_turns)}`],
      ["Session log", ...healthOf(log)],
      ["Database", ...healthOf(database)],
      ["Replicas", replicas > 1 ? `${count(replicas)}, this one included` : "this process only"],
    ]);
    this.models.update(status.models);
    this.keys.update(status.keys);
    this.hooks.update(status.hooks);
    this.queues.update(queuesOf(status).map(([name, queue]) => ({ name, ...queue })));
  }

  #setFacts(/** @type {string[][]} */ facts) {
    this.facts.replaceChildren(...facts.flatMap(([name, text, tone = ""]) => [node("dt", {}, name), node("dd", { "data-tone": tone }, text)]));
  }
}

/** The state of the log or the database as people say it, and its tone. */
function healthOf(/** @type {boolean} */ isWritable) {
  return isWritable ? ["works", "good"] : ["cannot be written: turns are refused", "bad"];
}
