import { fill } from "./strings.js";
/** @import { Strings } from "../../web/chat-window.js" */

/**
 * Returns the sentence that says when something can be tried again, with the day if that isn't today; an empty text for now.
 *
 * @param {number} until
 * @param {Strings} strings
 */
export function whenAgain(until, strings) {
  const seconds = Math.ceil((until - Date.now()) / 1000);
  const date = new Date(until);
  const isToday = date.toDateString() === new Date().toDateString();
  const time = isToday ? date.toLocaleTimeString() : date.toLocaleString();
  return seconds > 0 ? fill(strings[seconds < 99 ? "wait" : "waitUntil"], { seconds, time }) : "";
}
