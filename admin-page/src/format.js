// Numbers and times as people read them, in the language of the browser.

const counts = new Intl.NumberFormat();
const shortCounts = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const days = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const longDays = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeZone: "UTC" });
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const currency = /** @type {const} */ ({ style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" });
const cents = new Intl.NumberFormat(undefined, currency);
const smallAmounts = new Intl.NumberFormat(undefined, { ...currency, minimumSignificantDigits: 1, maximumSignificantDigits: 2 });
const wholeAmounts = new Intl.NumberFormat(undefined, { ...currency, maximumFractionDigits: 0 });

/** What stands for a figure that is not known. */
export const UNKNOWN = "–";

/** @typedef {number | null | undefined} Figure */

export const count = (/** @type {Figure} */ value) => (value == null ? UNKNOWN : counts.format(value));

/** A count for a small place, such as 1.2M. */
export const shortCount = (/** @type {number} */ value) => (value < 10_000 ? counts.format(value) : shortCounts.format(value));

export const percent = (/** @type {number} */ part) => percents.format(part);

/** The least amount that is written with its digits. */
const LEAST_AMOUNT = 0.0001;

/** An amount of US dollars. One below a cent has its first two digits. */
export function dollars(/** @type {Figure} */ value) {
  if (value == null) return UNKNOWN;
  if (value > 0 && value < LEAST_AMOUNT) return `<${smallAmounts.format(LEAST_AMOUNT)}`;
  if (value > 0 && value < 0.01) return smallAmounts.format(value);
  return (value >= 10_000 ? wholeAmounts : cents).format(value);
}

/** A time that something took, from milliseconds. */
export function duration(/** @type {Figure} */ ms) {
  if (ms == null) return UNKNOWN;
  if (ms < 1000) return `${counts.format(Math.round(ms))} ms`;
  if (ms < 100_000) return `${counts.format(Math.round(ms / 100) / 10)} s`;
  return age(ms / 1000);
}

/** A longer time in its two largest units, from seconds. */
export function age(/** @type {Figure} */ seconds) {
  if (seconds == null) return UNKNOWN;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** The clock of this computer. */
export const timeOfDay = (/** @type {Date} */ time) => clock.format(time);

/** The clock in a timestamp of the log, which has the log's time zone. */
export const loggedTime = (/** @type {string | null | undefined} */ timestamp) => timestamp?.slice(11, 19) || UNKNOWN;

/** A moment in the time zone of this computer. */
export const moment = (/** @type {string} */ timestamp) => moments.format(new Date(timestamp));

/** A day such as 2026-11-29, without its year. */
export const day = (/** @type {string} */ date) => days.format(new Date(`${date}T00:00:00Z`));

/** A day with its weekday and year. */
export const longDay = (/** @type {string} */ date) => longDays.format(new Date(`${date}T00:00:00Z`));
