// A question before something is done that visitors notice.
import { node } from "../../chat-window/src/dom.js";

/**
 * Asks whether to do something, and does it. The dialog stays open with the problem if that fails.
 * @param {{ title: string, text: string, action: string, run: () => Promise<unknown> }} question
 */
export function confirm({ title, text, action, run }) {
  const problem = node("p", { class: "problem", role: "alert" });
  const close = () => dialog.close();
  const go = node("button", {
    type: "button",
    class: "danger",
    click: async () => {
      go.disabled = true;
      try {
        await run();
        close();
      } catch (error) {
        problem.textContent = /** @type {Error} */ (error).message;
        go.disabled = false;
      }
    },
  }, action);
  const cancel = node("button", { type: "button", autofocus: "", click: close }, "Cancel");
  const dialog = node(
    "dialog",
    { class: "confirm", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text", close: () => dialog.remove() },
    node("h2", { id: "confirm-title" }, title),
    node("p", { id: "confirm-text" }, text),
    problem,
    node("div", { class: "row end" }, cancel, go),
  );
  document.body.append(dialog);
  dialog.showModal();
}
