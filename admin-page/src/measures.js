// The figures that the page shows of turns: how each is read, written and explained.
import { count, dollars, duration, percent, shortCount, UNKNOWN } from "./format.js";
/** @import { Figures } from "./data.js" */

/**
 * @typedef {object} Measure
 * @property {string} id
 * @property {string} name
 * @property {(figures: Figures) => number | null} value
 * @property {(value: number | null) => string} text
 * @property {(value: number) => string} short for the axis of a chart
 * @property {(figures: Figures) => string} note what belongs to the figure
 */

const rate = (/** @type {Figures} */ { errors, turns }) => (turns ? percent(errors / turns) : UNKNOWN);
const about = (/** @type {boolean} */ isEstimate) => (isEstimate ? "about, " : "");

/** @type {Measure[]} */
export const MEASURES = [
  {
    id: "turns",
    name: "Turns",
    value: ({ turns }) => turns,
    text: count,
    short: shortCount,
    note: ({ sessions }) => `in ${count(sessions)} ${sessions === 1 ? "session" : "sessions"}`,
  },
  {
    id: "visitors",
    name: "Visitors",
    value: ({ visitors }) => visitors,
    text: count,
    short: shortCount,
    note: ({ visitors, visitors_estimated: isEstimate, turns }) =>
      visitors ? `${about(isEstimate)}${count(Math.round((turns / visitors) * 10) / 10)} turns each` : "",
  },
  {
    id: "cost",
    name: "Cost",
    value: ({ cost_usd: cost }) => cost,
    text: dollars,
    short: dollars,
    note: ({ unpriced_turns: unpriced, cost_usd: cost, turns }) => {
      if (unpriced) return `${count(unpriced)} turns of unknown price`;
      return turns ? `${dollars(cost / turns)} a turn` : "";
    },
  },
  {
    id: "tokens",
    name: "Tokens",
    value: ({ total_tokens: tokens }) => tokens,
    text: count,
    short: shortCount,
    note: ({ prompt_tokens: read, completion_tokens: written }) => `${shortCount(read)} read, ${shortCount(written)} written`,
  },
  {
    id: "time",
    name: "Median time",
    value: ({ latency_ms: latency }) => latency.p50 ?? null,
    text: duration,
    short: duration,
    note: ({ latency_ms: latency }) => (latency.p95 == null ? "" : `${percent(0.95)} within ${duration(latency.p95)}`),
  },
  {
    id: "errors",
    name: "Errors",
    value: ({ errors }) => errors,
    text: count,
    short: shortCount,
    note: (figures) => (figures.turns ? `${rate(figures)} of turns` : ""),
  },
];

/** The columns with all figures of a group of turns. */
export const figureColumns = MEASURES.map(({ name, value, text, id }) => ({
  name,
  isNumber: true,
  text: (/** @type {{ figures: Figures }} */ { figures }) => text(value(figures)),
  ...(id === "errors" && { tone: (/** @type {{ figures: Figures }} */ { figures }) => (figures.errors ? "bad" : "") }),
}));
