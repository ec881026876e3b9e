import { drawing, label, node } from "../dom.js";
import { sentenceAbout, smallForm } from "./small-form.js";
import { textsOf } from "./strings.js";
/** @import { Strings } from "../../../web/chat-window.js" */
/** @import { Client } from "../client.js" */
/** @import { Turn } from "../turn.js" */

/** @typedef {"up" | "down"} Rating */

const THUMB_UP = "M7 11v9H3v-9zm0 0 4-8c2 0 3 1 2.6 3L13 9h6c1.5 0 2.2 1 2 2.2l-1.3 7c-.2 1-1 1.8-2 1.8H7";
const THUMB_DOWN = "M7 13V4H3v9zm0 0 4 8c2 0 3-1 2.6-3L13 15h6c1.5 0 2.2-1 2-2.2l-1.3-7c-.2-1-1-1.8-2-1.8H7";

/** Longest comment that the server takes, in characters. */
const MAX_COMMENT = 2000;

/** @type {Partial<CSSStyleDeclaration>} */
const ROW = { display: "flex", flexWrap: "wrap", alignItems: "center" };

/**
 * Creates the two buttons that rate an answer, and returns a function that adds them beside the button that copies it. A rating can
 * be changed, and be followed by a comment.
 *
 * @param {Partial<Strings>} strings
 * @param {Pick<Client, "postFor">} client
 * @param {Turn} turn
 * @param {() => void} save
 */
export function ratingOf(strings, client, turn, save) {
  const texts = textsOf(strings);
  const send = (/** @type {Rating} */ rating, /** @type {string | undefined} */ comment = undefined) =>
    client.postFor(turn, `chat/${turn.requestId}/feedback`, { rating, comment });
  const status = node("span", { class: "note", role: "status" });
  /** @type {HTMLFormElement | undefined} */
  let form;
  /** Resolves when all ratings so far are at the server: the last one counts. */
  let sent = Promise.resolve();

  const show = (/** @type {Rating | undefined} */ pressed) => {
    for (const [button, value] of /** @type {const} */ ([[up, "up"], [down, "down"]])) {
      button.ariaPressed = String(value === pressed);
      // Seen without colours, too.
      /** @type {SVGElement} */ (button.firstChild).style.fill = value === pressed ? "currentColor" : "";
    }
  };

  const rate = async (/** @type {Rating} */ value, /** @type {HTMLElement} */ button) => {
    try {
      const { takes_comments: takesComments } = await send(value);
      turn.rating = value;
      save();
      form?.remove();
      if (!takesComments) return;
      form = commentForm(value, button);
      root.after(form);
      form.scrollIntoView({ block: "nearest" });
    } catch (error) {
      show(turn.rating);
      status.textContent = sentenceAbout(error, texts);
    }
  };

  const commentForm = (/** @type {Rating} */ value, /** @type {HTMLElement} */ button) => {
    const form = smallForm({
      ...{ texts, name: texts.comment, attributes: { maxlength: MAX_COMMENT }, action: texts.sendComment, sent: texts.commented },
      send: (comment) => send(value, comment),
      close: () => button.focus(),
    });
    Object.assign(form.style, { flex: "1 1 100%", margin: "0.6em" });
    return form;
  };

  const create = (/** @type {Rating} */ value, /** @type {string} */ name, /** @type {string} */ path) => {
    const click = () => {
      show(value);
      status.textContent = "";
      sent = sent.then(() => rate(value, button));
    };
    const button = node("button", { type: "button", class: "icon quiet", part: "button rate", click }, drawing(path));
    label(button, name);
    return button;
  };
  const up = create("up", texts.good, THUMB_UP);
  const down = create("down", texts.bad, THUMB_DOWN);
  const root = node("div", { role: "group", "aria-label": texts.rate }, up, down, status);
  Object.assign(root.style, ROW);
  show(turn.rating);
  return (/** @type {HTMLElement} */ copy) => {
    const row = node("div");
    Object.assign(row.style, ROW, { margin: "-0.7em" });
    Object.assign(copy.style, { margin: "0", alignSelf: "auto" });
    copy.replaceWith(row);
    row.append(copy, root);
  };
}
