/** Path data of the icons, in a view box of 24 by 24. */
const ICONS = {
  send: "M12 19V5m-6 6 6-6 6 6",
  stop: "M7 7h10v10H7z",
  attach: "m20 11-8.3 8.3a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7l-8.3 8.2a1.7 1.7 0 0 1-2.3-2.3L14.8 7",
  close: "m6 6 12 12M18 6 6 18",
  clear: "M12 5v14m-7-7h14",
  contact: "M16 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0M4 20a8 8 0 0 1 16 0",
  latest: "M12 5v14m-6-6 6 6 6-6",
  chat: "M20 12a8 8 0 0 1-12 7l-4 1 1-4a8 8 0 1 1 15-4z",
};

/**
 * Creates an element with attributes, event listeners (the values that are functions) and children. Strings become text
 * nodes; nothing is parsed as markup.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, string | number | ((event: any) => void)>} [attributes]
 * @param {...(Node | string)} children
 */
export function node(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") /** @type {EventTarget} */ (element).addEventListener(key, value);
    else element.setAttribute(key, /** @type {string} */ (value));
  }
  element.append(...children);
  return element;
}

/** Creates the SVG of an icon of the window. */
export const icon = (/** @type {keyof typeof ICONS} */ name) => drawing(ICONS[name]);

/**
 * Creates an SVG of path data, in a view box of 24 by 24. It is hidden from screen readers: its button has a label.
 *
 * @param {string} path
 */
export function drawing(path) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.appendChild(document.createElementNS(namespace, "path")).setAttribute("d", path);
  return svg;
}

/**
 * Creates a button that shows an icon.
 *
 * @param {keyof typeof ICONS} name
 * @param {() => void} click
 */
export const iconButton = (name, click, look = "quiet") =>
  node("button", { type: "button", class: `icon ${look}`, part: `button ${name}`, click }, icon(name));

/** Labels a button, both for screen readers and as a tooltip. */
export const label = (/** @type {HTMLElement} */ button, /** @type {string} */ text) => (button.ariaLabel = button.title = text);

/**
 * Adds event listeners, given as `{ event: listener }`.
 *
 * @param {EventTarget} target
 * @param {Record<string, (event: any) => void>} listeners
 * @param {AddEventListenerOptions} [options]
 */
export function listen(target, listeners, options) {
  for (const [name, listener] of Object.entries(listeners)) target.addEventListener(name, listener, options);
}
