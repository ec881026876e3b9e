// The form that asks for the operator's token.
import { node } from "../../chat-window/src/dom.js";

const WHY =
  "This page shows what the service does and what it costs. Its figures are for the operator: enter the value of ADMIN_TOKEN. " +
  "It stays in this tab and is forgotten when you close or reload it.";

export class SignIn {
  /** @param {(token: string) => Promise<string>} submit returns why the token does not do, or an empty text */
  constructor(submit) {
    // No `name`, and no `autocomplete`: the browser neither sends nor stores it.
    this.input = node("input", { type: "password", id: "token", autocomplete: "off", spellcheck: "false", autocapitalize: "off", required: "", "aria-describedby": "token-problem" });
    this.problem = node("p", { id: "token-problem", class: "problem", role: "alert" });
    this.button = node("button", { type: "submit", class: "primary" }, "Open");
    const label = node("label", { for: "token" }, "Operator's token");
    const help = node(
      "details",
      {},
      node("summary", {}, "Where do I find it?"),
      node("p", {}, "ADMIN_TOKEN is a setting of the server, in its environment or its file .env. ", "If it is not set there, only a browser on the server's own machine can open this page, at its address 127.0.0.1."),
    );
    this.element = node(
      "form",
      {
        class: "card sign-in",
        submit: async (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          await this.#submit(submit);
        },
      },
      node("h2", {}, "For the operator"),
      node("p", {}, WHY),
      label,
      node("div", { class: "row" }, this.input, this.button),
      this.problem,
      help,
    );
  }

  /** Asks for the token, and says why. */
  ask(/** @type {string} */ problem) {
    this.problem.textContent = problem;
    this.input.ariaInvalid = problem ? "true" : "false";
    this.input.focus();
  }

  async #submit(/** @type {(token: string) => Promise<string>} */ submit) {
    this.button.ariaDisabled = "true";
    const problem = await submit(this.input.value.trim());
    this.button.ariaDisabled = "false";
    if (problem) this.ask(problem);
    else this.input.value = "";
  }
}
