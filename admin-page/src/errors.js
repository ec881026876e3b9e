// The errors of today, by their code.
import { node } from "../../chat-window/src/dom.js";
import { count, percent } from "./format.js";
import { Table } from "./table.js";
/** @import { Figures } from "./data.js" */

/** @typedef {{ code: string, errors: number, turns: number }} Row */

export class ErrorsPart {
  constructor() {
    this.table = new Table(
      "Errors of today by code",
      [
        { name: "Code", text: (/** @type {Row} */ { code }) => code },
        { name: "Turns", isNumber: true, text: ({ errors }) => count(errors) },
        { name: "Of all turns", isNumber: true, text: ({ errors, turns }) => percent(errors / turns) },
      ],
      ({ code }) => code,
      "No errors today.",
    );
    this.element = node("section", { class: "card" }, node("header", {}, node("h3", {}, "Errors by code")), this.table.element);
  }

  update(/** @type {Figures} */ { errors_by_code: byCode, turns }) {
    const rows = Object.entries(byCode).map(([code, errors]) => ({ code, errors, turns }));
    this.table.update(rows.sort((one, other) => other.errors - one.errors));
  }
}
