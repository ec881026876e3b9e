/** @import { Strings } from "../../../web/chat-window.js" */

/**
 * The texts of what is loaded on demand, in English. Sites replace them as those of the window.
 * @satisfies {Partial<Strings>}
 */
const ENGLISH = {
  reach: "How can you be reached? (optional)",
  ask: "Ask for a person",
  asked: "Your request was passed on.",
  cancel: "Cancel",
  ok: "OK",
  rate: "Rate this answer",
  good: "Good answer",
  bad: "Bad answer",
  comment: "Comment (optional)",
  sendComment: "Send comment",
  commented: "Thank you for your comment.",
};

/** Returns all texts: these, replaced by those that the window has. */
export const textsOf = (/** @type {Partial<Strings>} */ strings) => /** @type {Strings} */ ({ ...ENGLISH, ...strings });
