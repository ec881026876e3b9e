// The linter of the browser scripts and style sheets: faults, and what the supported browsers lack (those of
// `browserslist` in package.json, which have what was Baseline by the end of 2023). Run in the folder above.
import { readFileSync } from "node:fs";

import css from "@eslint/css";
import js from "@eslint/js";
import compat from "eslint-plugin-compat";
import globals from "globals";

const { browserslist: targets } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
const BROWSER_SCRIPTS = ["chat-window/src/**/*.js", "web/**/*.js"];

export default [
  { ignores: ["web/chat-window.js"] },
  { files: ["**/*.js"], ...js.configs.recommended },
  { files: ["chat-window/*.js"], languageOptions: { globals: globals.node } },
  { files: BROWSER_SCRIPTS, ...compat.configs["flat/recommended"] },
  { files: BROWSER_SCRIPTS, languageOptions: { globals: globals.browser }, settings: { targets } },
  {
    files: ["**/*.css"],
    language: "css/css",
    plugins: { css },
    rules: {
      ...css.configs.recommended.rules,
      // What the browsers that lack these properties do is as good, only less comfortable.
      "css/use-baseline": ["error", { available: 2023, allowProperties: ["overscroll-behavior", "resize"] }],
    },
  },
];
