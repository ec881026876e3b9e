// The parts of the page, of which one is shown: the one that the address names behind `#`.
import { node } from "../../chat-window/src/dom.js";

/**
 * @param {HTMLElement} nav links to the views
 * @param {Record<string, Node[]>} views contents by the name in the address
 */
export function createViews(nav, views) {
  const links = [...nav.querySelectorAll("a")];
  const sections = Object.entries(views).map(([name, children]) => {
    const title = links.find((link) => link.hash === `#${name}`)?.textContent ?? name;
    return node("section", { id: `view-${name}`, class: "stack", "data-name": name, tabindex: -1 }, node("h2", { class: "unseen" }, title), ...children);
  });
  const show = () => {
    const shown = sections.find(({ dataset }) => `#${dataset.name}` === location.hash) ?? sections[0];
    for (const section of sections) section.hidden = section !== shown;
    for (const link of links) {
      if (link.hash === `#${shown.dataset.name}`) link.ariaCurrent = "page";
      else link.ariaCurrent = null;
    }
    document.title = `${shown.querySelector("h2")?.textContent} – AL-Chat operator`;
    return shown;
  };
  addEventListener("hashchange", () => {
    show().focus({ preventScroll: true });
    scrollTo(0, 0);
  });
  show();
  return sections;
}
