import STYLE from "./style.css";

/**
 * The style sheet of each document's windows: documents cannot share a constructed one.
 *
 * @type {WeakMap<Document, CSSStyleSheet>}
 */
const styleSheets = new WeakMap();

/** Returns the style sheet for the windows in this page. */
export function styleSheetOf(/** @type {Window & typeof globalThis} */ view) {
  const styleSheet = styleSheets.get(view.document) ?? new view.CSSStyleSheet();
  if (!styleSheets.has(view.document)) styleSheet.replaceSync(STYLE);
  styleSheets.set(view.document, styleSheet);
  return styleSheet;
}
