// The limits that are nearly or wholly used up.
import { node } from "../../chat-window/src/dom.js";
import { age, count, dollars, percent } from "./format.js";
import { Table } from "./table.js";
/** @import { Limit, Limits } from "./data.js" */

/** @type {Record<string, string>} */
const SCOPES = {
  visitor: "A visitor",
  address: "An address",
  site: "A site",
  key: "An API key",
  all: "All together",
  sessions: "Sessions of an address",
  handovers: "Requests for a person of an address",
  feedback: "Ratings of an address",
};

const amount = (/** @type {Limit} */ { unit }, /** @type {number} */ value) => (unit === "usd-micros" ? dollars(value / 1e6) : count(value));
const part = (/** @type {Limit} */ { used, reserved, quota }) => (quota ? Math.min(1, (used + reserved) / quota) : 1);

/** What is used of a limit, such as 3 of 10 turns a minute. */
function amounts(/** @type {Limit} */ limit) {
  const { used, reserved, quota, unit, window } = limit;
  const counted = unit === "usd-micros" ? "" : ` ${unit}`;
  return `${amount(limit, used + reserved)} of ${amount(limit, quota)}${counted} a ${window}`;
}

/** Whom a limit counts: its scope, and the name of its site or API key, or the beginning of a hash. */
function whom(/** @type {Limit} */ { scope, count_id: id }) {
  const [named, hash = ""] = id.split(":");
  const [, tenant] = named.split("@");
  return [SCOPES[scope] ?? scope, tenant, hash.slice(0, 8)].filter(Boolean).join(" ");
}

export class LimitsPart {
  constructor() {
    this.table = new Table(
      "Limits that are nearly used up",
      [
        { name: "Limit of", text: whom },
        {
          name: "Used",
          node: () => node("progress", { max: 1 }),
          update: (/** @type {Limit} */ limit, cell) => {
            const bar = /** @type {HTMLProgressElement} */ (cell.firstChild);
            bar.value = part(limit);
            bar.ariaLabel = `${percent(part(limit))} used`;
            cell.dataset.tone = part(limit) >= 1 ? "bad" : "warning";
          },
        },
        { name: "Amount", isNumber: true, text: amounts },
        { name: "Resets in", isNumber: true, text: (limit) => age(limit.resets_in_seconds) },
      ],
      ({ count_id: id, unit, window }) => `${id} ${unit} ${window}`,
      "No limit is used up to 80 %.",
    );
    this.more = node("p", { class: "remark" });
    this.element = node("section", { class: "card" }, node("header", {}, node("h3", {}, "Limits nearly reached")), this.table.element, this.more);
  }

  update(/** @type {Limits} */ { limits, has_more: hasMore }) {
    this.table.update(limits);
    this.more.textContent = hasMore ? "There are more of them. GET /api/admin/limits lists up to 1,000." : "";
  }
}
