// Joins the modules of the chat window to the minified scripts that AL-Chat serves: `web/chat-window.js`, and
// `web/chat-window-on-demand.js` with what few visitors need. esbuild joins them and replaces what the supported browsers lack;
// Terser makes the result smaller still.
//
//   node build.js            writes the scripts
//   node build.js --check    fails if a script isn't what the sources make
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build, transform } from "esbuild";
import { minify } from "terser";

/** The scripts by the modules that they begin with. */
const SCRIPTS = { "element.js": "chat-window.js", "on-demand/script.js": "chat-window-on-demand.js" };
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
  ...["jsonFrom", "markdown", "onDemand", "panel", "problem", "replaced", "setContents", "setLabels", "showClear", "shown", "showEnd"],
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

/** Returns the script that a module and all that it imports make. */
async function scriptOf(/** @type {string} */ module) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`src/${module}`, import.meta.url))],
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
    // No getter here has an effect, and no function is called by a name that is looked up.
    compress: { passes: 3, hoist_funs: true, if_return: false, keep_fargs: false, lhs_constants: false, pure_getters: true, unsafe: true },
    mangle: { properties: { regex: RegExp(`^(${INTERNAL.join("|")})$`) } },
  });
  return `${BANNER}${code}\n`;
}

for (const [module, name] of Object.entries(SCRIPTS)) {
  const file = new URL(`../web/${name}`, import.meta.url);
  const script = await scriptOf(module);
  if (!process.argv.includes("--check")) await writeFile(file, script);
  else if ((await readFile(file, "utf8")) !== script) {
    console.error(`web/${name} isn't what its sources make. Run \`npm run build\` in the folder chat-window.`);
    process.exitCode = 1;
  }
}
