// A bar chart of one figure over hours or days, with a table of the same figures.
import uPlot from "uplot";

import { node } from "../../chat-window/src/dom.js";
import { figureColumns } from "./measures.js";
import { Table } from "./table.js";
/** @import { Figures } from "./data.js" */
/** @import { Measure } from "./measures.js" */

/** A bar: its name on the axis, its name in full, and its figures, if there were turns. */
/** @typedef {{ short: string, name: string, figures: Figures | null }} Bar */
/** @typedef {Bar & { figures: Figures }} FilledBar */

const HEIGHT = 190;

export class Chart {
  /** @type {Bar[]} */
  #bars = [];
  /** @type {Measure | undefined} */
  #measure;
  /** @type {uPlot | undefined} */
  #plot;

  /**
   * @param {string} title
   * @param {string} unit what a bar is: `Hour` or `Day`
   * @param {string} empty the sentence without turns
   */
  constructor(title, unit, empty) {
    this.title = title;
    this.heading = node("h3", {}, title);
    // What the mouse points at. Others read the table.
    this.pointed = node("p", { class: "pointed", "aria-hidden": "true" });
    this.canvas = node("div", { class: "plot", role: "img" });
    this.empty = node("p", { class: "empty" }, empty);
    const columns = [{ name: unit, text: (/** @type {FilledBar} */ { name }) => name }, ...figureColumns];
    this.table = new Table(`${title}, as a table`, columns, ({ name }) => name, empty);
    this.details = node("details", {}, node("summary", {}, "Show as a table"), this.table.element);
    this.problem = node("p", { class: "problem", role: "status" });
    this.element = node("section", { class: "card chart" }, node("header", {}, this.heading, this.pointed), this.problem, this.canvas, this.empty, this.details);
    new ResizeObserver(() => this.#plot?.setSize({ width: this.canvas.clientWidth, height: HEIGHT })).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#plot?.redraw(false));
  }

  /**
   * @param {Measure} measure
   * @param {Bar[]} bars
   */
  update(measure, bars) {
    this.#measure = measure;
    this.#bars = bars;
    const values = bars.map(({ figures }) => (figures ? measure.value(figures) : null));
    const filled = bars.filter(({ figures }) => figures?.turns);
    this.heading.textContent = `${measure.name} ${this.title}`;
    this.canvas.hidden = filled.length === 0;
    this.empty.hidden = !this.canvas.hidden;
    this.details.hidden = this.canvas.hidden;
    this.table.update(/** @type {FilledBar[]} */ (filled.toReversed()));
    if (this.canvas.hidden) return;
    this.canvas.ariaLabel = this.#summary(measure, bars, values);
    const data = /** @type {uPlot.AlignedData} */ ([bars.map((_, index) => index), values]);
    if (this.#plot) this.#plot.setData(data);
    else this.#plot = new uPlot(this.#options(), data, this.canvas);
  }

  /** The chart in a sentence, for those who cannot see it. */
  #summary(/** @type {Measure} */ { name, text }, /** @type {Bar[]} */ bars, /** @type {(number | null)[]} */ values) {
    const highest = values.indexOf(Math.max(...values.map((value) => value ?? 0)));
    const peak = highest < 0 ? "" : ` The highest is ${text(values[highest])}, ${bars[highest].name}.`;
    return `Bar chart: ${name} ${this.title}.${peak} The table below has all figures.`;
  }

  /** @returns {uPlot.Options} */
  #options() {
    const color = (/** @type {string} */ name) => () => getComputedStyle(this.canvas).getPropertyValue(name);
    const bar = () => color(this.#measure?.id === "errors" ? "--bad" : "--accent")();
    const font = "12px system-ui, sans-serif";
    const axis = { stroke: color("--muted"), font, ticks: { show: false } };
    return {
      width: this.canvas.clientWidth || 600,
      height: HEIGHT,
      padding: [12, 4, 0, 4],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      hooks: { setCursor: [({ cursor }) => this.#point(cursor.idx)] },
      scales: {
        x: { time: false, range: () => [-0.6, this.#bars.length - 0.4] },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] },
      },
      series: [
        {},
        { stroke: bar, fill: bar, width: 0, points: { show: false }, paths: /** @type {any} */ (uPlot.paths.bars)({ size: [0.72, 44], radius: 0.18 }) },
      ],
      axes: [
        { ...axis, grid: { show: false }, size: 28, incrs: [1, 2, 3, 4, 5, 6, 7, 10], space: 48, values: (_, places) => places.map((place) => this.#bars[/** @type {number} */ (place)]?.short ?? "") },
        {
          ...axis,
          grid: { stroke: color("--line"), width: 1 },
          size: 62,
          space: 40,
          values: (_, values) => values.map((value) => this.#measure?.short(value ?? 0) ?? ""),
        },
      ],
    };
  }

  #point(/** @type {number | null | undefined} */ index) {
    const bar = index == null ? undefined : this.#bars[index];
    const { value, text } = this.#measure ?? {};
    this.pointed.textContent = bar && value && text ? `${bar.name}: ${bar.figures ? text(value(bar.figures)) : "no turns"}` : "";
  }
}
