// The sites of the configuration file, and pauses of one or of all spending.
import { node } from "../../chat-window/src/dom.js";
import { confirm } from "./confirm.js";
import { json } from "./server.js";
import { Table } from "./table.js";
/** @import { Site } from "./data.js" */

/** Why a site has no turns now. */
function stateOf(/** @type {Site} */ { is_paused_by_file: byFile, is_paused_by_operator: byOperator }) {
  if (byFile) return byOperator ? "Paused here and in al-chat.toml" : "Paused in al-chat.toml";
  return byOperator ? "Paused" : "Answers";
}

export class SitesPart {
  /** @param {() => void} changed called after a pause or its end */
  constructor(changed) {
    this.table = new Table(
      "Sites",
      [
        { name: "Site", text: (/** @type {Site} */ { id }) => id },
        { name: "Pages", text: ({ origins }) => origins.join(", ") },
        { name: "State", text: stateOf, tone: ({ is_paused: isPaused }) => (isPaused ? "warning" : "good") },
        {
          name: "Action",
          node: () => node("button", { type: "button", class: "small" }),
          update: (site, cell) => {
            const button = /** @type {HTMLButtonElement} */ (cell.firstChild);
            const isPaused = site.is_paused_by_operator;
            const text = isPaused ? "Resume" : "Pause";
            if (button.textContent !== text) button.textContent = text;
            button.ariaLabel = `${text} ${site.id}`;
            button.onclick = () => ask(site.id, isPaused, changed);
          },
        },
      ],
      ({ id }) => id,
      "No sites are set. They are listed in al-chat.toml.",
    );
    this.element = node("section", { class: "card" }, node("header", {}, node("h3", {}, "Sites")), this.table.element);
  }

  update(/** @type {Site[]} */ sites) {
    this.table.update(sites);
  }
}

/** Asks whether to pause or resume a site. */
function ask(/** @type {string} */ id, /** @type {boolean} */ isPaused, /** @type {() => void} */ changed) {
  const path = `sites/${encodeURIComponent(id)}/${isPaused ? "resume" : "pause"}`;
  confirm({
    title: isPaused ? `Resume ${id}?` : `Pause ${id}?`,
    text: isPaused
      ? "Visitors of this site get answers again."
      : "Answers that are being written on this site stop now, and its visitors get no new ones until you resume it. Other sites go on.",
    action: isPaused ? "Resume" : "Pause",
    run: async () => {
      await json(path, { method: "POST" });
      changed();
    },
  });
}

/** Asks whether to pause or resume all spending. */
export function askAboutAll(/** @type {boolean} */ isPaused, /** @type {() => void} */ changed) {
  confirm({
    title: isPaused ? "Resume all spending?" : "Pause all spending?",
    text: isPaused
      ? "Visitors of all sites get answers again. Sites that are paused on their own stay paused."
      : "Answers that are being written stop now, and nobody gets new ones until you resume. Nothing is spent meanwhile.",
    action: isPaused ? "Resume" : "Pause all",
    run: async () => {
      await json(isPaused ? "resume" : "pause", { method: "POST" });
      changed();
    },
  });
}
