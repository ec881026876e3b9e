// Joins the modules and style sheets of the operator's page to the files that AL-Chat serves: `web/admin/page.js` and
// `web/admin/page.css`. Both begin with the licence of uPlot, which draws the charts.
//
//   node build.js            writes the files
//   node build.js --check    fails if a file isn't what the sources make
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const FILES = { "main.js": "page.js", "styles/page.css": "page.css" };

const pathOf = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const licence = await readFile(pathOf("node_modules/uplot/LICENSE"), "utf8");
const banner = `/* Built from the folder admin-page of AL-Chat. It contains uPlot (https://github.com/leeoniya/uPlot):\n\n${licence.trim()} */`;

/** The oldest supported browsers, those of the chat window, as esbuild names them. */
const { browserslist } = JSON.parse(await readFile(pathOf("../chat-window/package.json"), "utf8"));
const target = browserslist.map((/** @type {string} */ browser) => browser.replace("ios_saf", "ios").replace(" >= ", ""));

for (const [source, name] of Object.entries(FILES)) {
  const { outputFiles } = await build({
    entryPoints: [pathOf(`src/${source}`)],
    bundle: true,
    minify: true,
    format: "esm",
    charset: "utf8",
    legalComments: "none",
    target,
    banner: { js: banner, css: banner },
    write: false,
  });
  const [{ text }] = outputFiles;
  const file = pathOf(`../web/admin/${name}`);
  if (!process.argv.includes("--check")) await writeFile(file, text);
  else if ((await readFile(file, "utf8")) !== text) {
    console.error(`web/admin/${name} isn't what its sources make. Run \`npm run build\` in the folder admin-page.`);
    process.exitCode = 1;
  }
}
