// The linter of the browser scripts and style sheets: faults, and what the supported browsers lack (those of
// `browserslist` in package.json, which have what was Baseline by the end of 2023). Run in the folder above.
import { readFileSync } from "node:fs";

import css from "@eslint/css";
import js from "@eslint/js";
import compat from "eslint-plugin-compat";
import globals from "globals";

const { browserslist: targets } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
const BROWSER_SCRIPTS = ["chat-window/src/**/*.js", "admin-page/src/**/*.js", "web/**/*.js"];

/** What parses a text as markup. */
const MARKUP = [
  ...["innerHTML", "outerHTML", "srcdoc", "insertAdjacentHTML", "setHTMLUnsafe", "parseHTMLUnsafe"],
  ...["createContextualFragment", "parseFromString"],
].map((property) => ({ property, message: "Build nodes: a text is never parsed as markup." }));

/** A `style` attribute, set directly or by `node` of dom.js. */
const STYLE_ATTRIBUTE = [
  "CallExpression[callee.property.name='setAttribute'] > Literal[value='style']",
  "CallExpression[callee.name='node'] > ObjectExpression > Property[key.name='style']",
].map((selector) => ({ selector, message: "A strict policy blocks this attribute. Use `element.style` or the style sheet." }));

export default [
  { ignores: ["web/chat-window*.js", "web/admin/page.js", "web/admin/page.css"] },
  { files: ["**/*.js"], ...js.configs.recommended },
  { files: ["chat-window/*.js", "admin-page/*.js"], languageOptions: { globals: globals.node } },
  { files: BROWSER_SCRIPTS, ...compat.configs["flat/recommended"] },
  {
    files: BROWSER_SCRIPTS,
    languageOptions: { globals: globals.browser },
    // Safari has always had `cookieEnabled`, but the linter's data lack it.
    settings: { targets, polyfills: ["navigator.cookieEnabled"] },
    rules: {
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-script-url": "error",
      "no-restricted-properties": ["error", { object: "document", property: "write" }, ...MARKUP],
      "no-restricted-syntax": ["error", ...STYLE_ATTRIBUTE],
    },
  },
  {
    files: ["**/*.css"],
    language: "css/css",
    plugins: { css },
    rules: {
      ...css.configs.recommended.rules,
      // What the browsers that lack these properties do is as good, only less comfortable.
      "css/use-baseline": ["error", { available: 2023, allowProperties: ["overscroll-behavior", "resize", "scrollbar-width", "user-select"] }],
      // Variables are set at other elements, and by the site.
      "css/no-invalid-properties": ["error", { allowUnknownVariables: true }],
    },
  },
];
