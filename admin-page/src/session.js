// One session: its turns and, where texts are logged and not erased, its conversation.
import { node } from "../../chat-window/src/dom.js";
import { count, dollars, duration, loggedTime } from "./format.js";
import { json } from "./server.js";
/** @import { LoggedTurn, SessionTurn, SessionTurns } from "./data.js" */

/** Why a turn has no texts. @type {Record<string, string>} */
const NO_TEXTS = {
  not_logged: "The texts of this turn were not logged. With SESSION_LOG_CONTENT=on, later ones are.",
  erased: "The texts of this turn were erased, or their key is in another database.",
  altered: "The texts of this turn are not as they were written. `al-chat log verify` shows where the log was changed.",
};

/** How a turn ended. @type {Record<string, string>} */
const FINISHES = {
  complete: "answered",
  length: "cut at the limit of tokens",
  content_filter: "cut by a filter",
  stopped: "stopped by the visitor",
  client_gone: "the visitor left",
  timeout: "out of time",
  upstream_error: "failed",
  interrupted: "interrupted by a restart",
};

/**
 * Opens a dialog with a session's turns on a day.
 * @param {string} id
 * @param {string} date
 */
export async function openSession(id, date) {
  const body = node("div", { "aria-busy": "true" }, node("p", { class: "empty" }, "Reading the log…"));
  const close = node("button", { type: "button", click: () => dialog.close() }, "Close");
  const dialog = node(
    "dialog",
    { class: "session", "aria-labelledby": "session-title", close: () => dialog.remove() },
    node("header", {}, node("h2", { id: "session-title" }, "Session ", node("code", {}, id)), close),
    body,
  );
  document.body.append(dialog);
  dialog.showModal();
  try {
    const { turns, has_earlier: hasEarlier } = /** @type {SessionTurns} */ (await json(`sessions/${encodeURIComponent(id)}?${new URLSearchParams({ date })}`));
    body.replaceChildren(...(hasEarlier ? [node("p", { class: "empty" }, `Earlier turns are left out: these are the last ${count(turns.length)}.`)] : []), ...(turns.length ? turns.map(turnElement) : [node("p", { class: "empty" }, "No turns in this session.")]));
  } catch (error) {
    body.replaceChildren(node("p", { class: "problem", role: "alert" }, `The session could not be read. ${/** @type {Error} */ (error).message}`));
  }
  body.ariaBusy = "false";
}

/** How a turn ended, in words. */
export function endOf(/** @type {LoggedTurn} */ { finish, code }) {
  const end = finish ? (FINISHES[finish] ?? finish) : code ? "failed" : "answered";
  return code ? `${end}: ${code}` : end;
}

function turnElement(/** @type {SessionTurn} */ { turn, ...texts }) {
  const facts = [turn.model, `${count(turn.total_tokens)} tokens`, dollars(turn.cost_usd), duration(turn.latency_ms)];
  const head = node(
    "header",
    {},
    node("b", {}, loggedTime(turn.timestamp)),
    node("span", { class: "facts" }, facts.filter(Boolean).join(" · ")),
    node("span", { class: "chip", "data-tone": turn.code ? "bad" : turn.finish === "complete" ? "good" : "warning" }, endOf(turn)),
  );
  return node("article", { class: "turn" }, head, ...textsOf(texts));
}

/** The question and the answer, or why they are not there. */
function textsOf(/** @type {Omit<SessionTurn, "turn">} */ { message, answer, no_texts: reason }) {
  if (reason) return [node("p", { class: "empty" }, NO_TEXTS[reason] ?? reason)];
  const part = (/** @type {string} */ who, /** @type {string} */ text) =>
    node("div", { class: `text ${who === "Question" ? "question" : "answer"}` }, node("h3", {}, who), node("p", { dir: "auto" }, text || "(empty)"));
  return [part("Question", message ?? ""), part("Answer", answer ?? "")];
}
