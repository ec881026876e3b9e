// Whether the figures are present ones: a mark at the top of the page, and a banner while they are not.
import { node } from "../../chat-window/src/dom.js";
import { age, timeOfDay } from "./format.js";
/** @import { Connection } from "./live.js" */

export class ConnectionState {
  /** When the server was last heard of. */
  #heard = /** @type {Date | undefined} */ (undefined);
  /** @type {Connection} */
  #connection = { kind: "connecting" };
  #announced = "";

  /**
   * @param {HTMLElement} announcement
   * @param {() => void} retry
   */
  constructor(announcement, retry) {
    this.announcement = announcement;
    this.mark = node("p", { class: "mark" });
    this.text = node("p");
    this.reason = node("p", { class: "reason" });
    const button = node("button", { type: "button", click: retry }, "Try now");
    this.banner = node("section", { class: "banner", "data-tone": "warning", "aria-label": "Connection", hidden: "" }, node("div", {}, this.text, this.reason), button);
    setInterval(() => this.#show(), 1000);
  }

  update(/** @type {Connection} */ connection) {
    this.#connection = connection;
    if (connection.kind === "live") this.#heard = new Date();
    this.#show();
    const said = { connecting: "", live: "Connected: the figures are live.", lost: "Connection lost: the figures are old." }[connection.kind];
    if (said && said !== this.#announced && (this.#announced || connection.kind === "lost")) this.announcement.textContent = said;
    this.#announced = said;
  }

  #show() {
    const connection = this.#connection;
    document.body.dataset.connection = connection.kind;
    this.mark.textContent = { connecting: "Connecting", live: "Live", lost: "Not live" }[connection.kind];
    this.banner.hidden = connection.kind !== "lost";
    if (connection.kind !== "lost") return;
    const { since, reason, nextAttempt } = connection;
    const passed = age((Date.now() - since.getTime()) / 1000);
    const seconds = Math.max(0, Math.ceil((nextAttempt - Date.now()) / 1000));
    this.text.textContent = this.#heard
      ? `These figures are from ${timeOfDay(since)}, ${passed} ago. The server may have others by now.`
      : "There are no figures yet.";
    this.reason.textContent = `${reason} ${seconds ? `Next attempt in ${seconds} s.` : "Trying again…"}`;
  }
}
