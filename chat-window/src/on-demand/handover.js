import { smallForm } from "./small-form.js";
import { textsOf } from "./strings.js";
/** @import { Strings } from "../../../web/chat-window.js" */
/** @import { Client } from "../client.js" */
/** @import { Session } from "../session.js" */
/** @import { Turn } from "../turn.js" */

/** Longest contact that the server takes, in characters. */
const MAX_CONTACT = 200;

/**
 * Shows the form by which the visitor asks for a person, in the session of the last turn.
 *
 * @param {Partial<Strings>} strings
 * @param {Pick<Client, "postFor">} client
 * @param {Pick<Session, "id">} session
 * @param {Turn | undefined} turn
 * @param {Element} place what the form is shown above
 */
export function askForPerson(strings, client, session, turn, place) {
  const texts = textsOf(strings);
  const opener = /** @type {HTMLElement | null} */ (/** @type {ShadowRoot} */ (place.getRootNode()).activeElement);
  const form = smallForm({
    ...{ texts, name: texts.reach, action: texts.ask, sent: texts.asked },
    attributes: { maxlength: MAX_CONTACT, autocomplete: "email" },
    send: async (contact) => {
      const id = turn?.session ?? (await session.id());
      return client.postFor({ session: id }, `session/${id}/handover`, { contact });
    },
    close: () => opener?.focus(),
  });
  place.parentElement?.querySelector(":scope > .small")?.remove();
  place.before(form);
  form.querySelector("input")?.focus();
}
