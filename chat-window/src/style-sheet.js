import STYLE from "./style.css";

/** Creates the window's style sheet for a page: documents cannot share a constructed one. */
export function createStyleSheet(/** @type {Window & typeof globalThis} */ view) {
  const styleSheet = new view.CSSStyleSheet();
  styleSheet.replaceSync(STYLE);
  return styleSheet;
}
