// Joins the modules of the chat window to the minified script that AL-Chat serves, `web/chat-window.js`. esbuild joins
// them and replaces what the supported browsers lack; Terser makes the result smaller still.
//
//   node build.js            writes the script
//   node build.js --check    fails if the script isn't what the sources make
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build, transform } from "esbuild";
import { minify } from "terser";

const SCRIPT = new URL("../web/chat-window.js", import.meta.url);
const BANNER = "// Built from the folder chat-window of AL-Chat.\n";

/** The oldest supported browsers, as esbuild names them. Syntax that they lack is replaced. */
const manifest = JSON.parse(await readFile(new URL("package.json", import.meta.url), "utf8"));
const target = manifest.browserslist.map((browser) => browser.replace("ios_saf", "ios").replace(" >= ", ""));

/**
 * Members that only the window's modules use of each other. Their names are shortened, which nothing but the script's size
 * shows: none is part of `web/chat-window.d.ts`, is sent to the server or stored.
 */
const INTERNAL = [
  ...["acceptFilesFrom", "announce", "announcer", "attribute", "base", "blocks", "countAnswer", "counts", "depth", "drawSoon"],
  ...["dropZone", "errorFrom", "handOver", "isFullScreen", "isLarge", "isPartial", "isPortal", "isReachable", "isReading", "isReady"],
  ...["jsonFrom", "markdown", "panel", "problem", "replaced", "setContents", "setLabels", "showClear", "shown", "showEnd"],
  ...["showProblem", "showWaiting", "since", "startSession", "starts", "stopping", "stopSession", "toEnd", "toggled", "waiting"],
];

/**
 * Variables that only the style sheet uses, in the order of their short names: `--a`, `--b` and so on. Those of sites are
 * longer, such as `--al-chat-accent`.
 */
const STYLE_VARIABLES = ["accent", "on-accent", "background", "text", "danger", "surface", "muted", "border", "question", "radius", "line"];

/** Shortens the names of the style sheet's own variables, and removes the blanks before their values. */
const withShortVariables = (/** @type {string} */ style) =>
  style.replace(/(?<![\w-])--([a-z-]+)(: ?)?/g, (declared, name, colon) => {
    const index = STYLE_VARIABLES.indexOf(name);
    return index < 0 ? declared : `--${String.fromCharCode(97 + index)}${colon ? ":" : ""}`;
  });

/** Imports a style sheet as a minified text. */
const styleSheets = {
  name: "style sheets",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true, target });
      return { contents: withShortVariables(code.trim()).replaceAll(", ", ","), loader: "text" };
    });
  },
};

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL("src/element.js", import.meta.url))],
  bundle: true,
  minify: true,
  format: "esm",
  charset: "utf8",
  target,
  // esbuild takes browsers for unable that lack the scripts of the latest Unicode. These regular expressions name older ones.
  supported: { "regexp-unicode-property-escapes": true },
  plugins: [styleSheets],
  write: false,
});
const { code } = await minify(outputFiles[0].text, {
  module: true,
  ecma: 2022,
  compress: { passes: 3, hoist_funs: true, keep_fargs: false },
  mangle: { properties: { regex: RegExp(`^(${INTERNAL.join("|")})$`) } },
});
const script = `${BANNER}${code}\n`;

if (!process.argv.includes("--check")) await writeFile(SCRIPT, script);
else if ((await readFile(SCRIPT, "utf8")) !== script) {
  console.error("web/chat-window.js isn't what its sources make. Run `npm run build` in the folder chat-window.");
  process.exitCode = 1;
}
