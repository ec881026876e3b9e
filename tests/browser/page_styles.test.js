// What the page's own style sheets change in the window: nothing.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startService, Tab } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

const ANSWER = `A **bold** answer with \`code\`, a [link](https://shop.example/) and a list:

- one
- two

> quoted

\`\`\`js
let a = 1;
\`\`\`

| Tea | 3.50 |
|-----|-----:|
| hot | cold |`;

/** Opens a page with the window in a box, and with these styles. */
async function visit({ style = "", box = "", attributes = "" }, options) {
  const script = `<script type="module" src="http://127.0.0.1:${service.port}/chat-window.js"></script>`;
  const head = `<!doctype html><html lang="en"><title>Shop</title><style>${style}</style>${script}`;
  const body = `${head}<main style="width: 500px; height: 600px; ${box}"><al-chat-window ${attributes}></al-chat-window></main>`;
  const site = await service.site({ "/": { body } });
  const page = await (await service.browser.newContext(options)).newPage();
  await page.goto(`http://127.0.0.1:${site.port}/`);
  return new Tab(page);
}

/** Returns the computed styles of everything in the window, after an answer. */
async function styles(page, options) {
  const tab = await visit(page, options);
  service.model.when("Show", (call) => (call.say(ANSWER), call.done()));
  await tab.askAndWait("Show");
  await tab.input.blur();
  const all = await tab.window.evaluate((window) => {
    const styleOf = (element) => {
      const style = getComputedStyle(element);
      const name = `${element.localName}.${element.getAttribute("class") ?? ""}`;
      return [name, Object.fromEntries([...style].filter((key) => !key.startsWith("--")).map((key) => [key, style[key]]))];
    };
    return [...window.shadowRoot.querySelectorAll(".root, .root :not(.unseen, .unseen *)")].map(styleOf);
  });
  await tab.close();
  return all;
}

/** Returns the properties that differ, as `element property: plain value → value`. */
const differences = (plain, others) =>
  plain.flatMap(([name, style], at) =>
    Object.keys(style).flatMap((key) =>
      style[key] === others[at]?.[1][key] ? [] : [`${name} ${key}: ${style[key]} → ${others[at]?.[1][key]}`],
    ),
  );

const INHERITED = `letter-spacing: 4px; word-spacing: 9px; text-transform: uppercase; line-height: 3; font: italic small-caps
  bold 30px/3 serif; font-feature-settings: "smcp"; font-stretch: expanded; font-kerning: none; text-align: center;
  text-indent: 40px; text-shadow: 2px 2px red; white-space: nowrap; word-break: break-all; line-break: anywhere;
  hyphens: auto; tab-size: 2; quotes: "x" "y"; list-style: square inside; cursor: crosshair; color: red;
  caret-color: red; pointer-events: none; user-select: none; -webkit-text-fill-color: red; -webkit-text-stroke: 2px red;
  -webkit-user-modify: read-write; -webkit-text-security: disc; border-collapse: separate; border-spacing: 9px;
  caption-side: bottom; empty-cells: hide; text-wrap: balance; text-rendering: geometricPrecision;
 text-emphasis: dot; text-underline-offset: 9px; accent-color: red; orphans: 5;
  color-scheme: dark; image-rendering: pixelated; fill: red; stroke: red; stroke-width: 9; overflow-wrap: normal`;

const PAGES = {
  "a root font size of 62.5%": "html { font-size: 62.5% } body { font-size: 1.6rem }",
  "inherited properties of the body": `body { ${INHERITED} }`,
  "rules for everything": `* { ${INHERITED} }`,
  "important rules for everything": `* { ${INHERITED.replaceAll(";", " !important;")} !important }`,
  "rules for elements of these names": `div, button, textarea, svg, form, section, header, h2, p, a, code { ${INHERITED};
    all: unset; display: none; width: 3px }`,
  "rules for the element": `al-chat-window { ${INHERITED} }`,
  "a reset of the element": "al-chat-window { all: unset }",
  "a reset of everything": "* { all: unset } style, script, title { display: none } main { display: block }",
  "a framework's reset": `*, ::before, ::after { box-sizing: border-box; margin: 0; padding: 0; border: 0 solid; min-width: 0;
    min-height: 0 } html { line-height: 1.15; -webkit-text-size-adjust: 100%; tab-size: 4 } button, input, textarea {
    font: inherit; color: inherit } button { background: none; border: none } svg { display: block; vertical-align: middle }
    ol, ul { list-style: none } h1, h2, h3 { font-size: inherit; font-weight: inherit } a { color: inherit;
    text-decoration: inherit } [hidden] { display: none }`,
};

test("no rule of a page changes the styles in the window", async () => {
  const plain = await styles({});
  for (const [what, style] of Object.entries(PAGES)) {
    assert.deepEqual(differences(plain, await styles({ style })), [], what);
  }
});
