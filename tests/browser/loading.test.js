// How a page loads the window's script: as a module, and by mistake as a classic script.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startService, Tab } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service?.close());

const SCRIPT = () => `http://127.0.0.1:${service.port}/chat-window.js`;

/** Opens a page with these lines, on another website. Returns its tab, console messages. */
async function open(lines, policy) {
  const headers = policy && { "content-security-policy": policy };
  const site = await service.site({ "/": { body: `<!doctype html><title>Shop</title>${lines}`, headers } });
  const tab = new Tab(await (await service.browser.newContext()).newPage());
  const messages = [];
  const isOwn = (message) => !message.location().url.endsWith("/favicon.ico");
  tab.page.on("console", (message) => isOwn(message) && messages.push([message.type(), message.text()]));
  tab.page.on("pageerror", (error) => messages.push(["error", String(error)]));
  await tab.page.goto(`http://127.0.0.1:${site.port}/`);
  return { tab, messages };
}

const WARNING = () => [
  "warning",
  `AL-Chat's chat-window.js is a module. Write <script type="module" src="${SCRIPT()}"></script>`,
];

for (const attributes of ["", "async", "defer", 'type="text/javascript"', 'id="chat" charset="utf-8"']) {
  test(`a classic script warns and works: ${attributes || "no attribute"}`, async () => {
    const element = `<script ${attributes} src="${SCRIPT()}"></script>`;
    const { tab, messages } = await open(`${element}<al-chat-window></al-chat-window>`);
    await tab.askAndWait("Loaded?");
    await tab.reads("Loaded?");
    assert.deepEqual(messages, [WARNING()]);
    // From the browser's cache, too.
    await tab.page.reload();
    await tab.reads("Loaded?");
    assert.deepEqual(messages, [WARNING(), WARNING()]);
    await tab.close();
  });
}

test("a classic script that a script inserts warns and works", async () => {
  const insert = `const script = document.createElement("script");
    script.src = "${SCRIPT()}";
    document.head.append(script);`;
  const { tab, messages } = await open(`<al-chat-window></al-chat-window><script>${insert}</script>`);
  await tab.askAndWait("Inserted?");
  await tab.reads("Inserted?");
  assert.deepEqual(messages, [WARNING()]);
  await tab.close();
});

test("a classic script with a nonce works under a strict policy", async () => {
  const trusted = "require-trusted-types-for 'script'; trusted-types 'none'";
  const policy = `default-src 'none'; script-src 'nonce-abc'; connect-src ${new URL(SCRIPT()).origin}; ${trusted}`;
  const lines = `<script nonce="abc" src="${SCRIPT()}"></script><al-chat-window></al-chat-window>`;
  const { tab, messages } = await open(lines, policy);
  await tab.askAndWait("With a nonce?");
  await tab.reads("With a nonce?");
  assert.deepEqual(messages, [WARNING()]);
  await tab.close();
});

test("classic and module scripts on one page make one window", async () => {
  const both = ["", 'type="module"'].map((attributes) => `<script ${attributes} src="${SCRIPT()}"></script>`);
  for (const lines of [both, both.toReversed()]) {
    const { tab, messages } = await open(`${lines.join("")}<al-chat-window></al-chat-window>`);
    await tab.askAndWait("Once?");
    await tab.reads("Once?");
    assert.equal(await tab.page.locator(".turn").count(), 1);
    assert.deepEqual(messages, [WARNING()]);
    await tab.close();
  }
});

test("a module script warns of nothing", async () => {
  for (const attributes of ['type="module"', 'type="module" async', 'type="module" crossorigin']) {
    const { tab, messages } = await open(`<script ${attributes} src="${SCRIPT()}"></script><al-chat-window></al-chat-window>`);
    await tab.askAndWait("As it should be");
    await tab.reads("As it should be");
    assert.deepEqual(messages, []);
    await tab.close();
  }
});

// Browsers request such a script as they request modules.
test("the browser's error for a CORS classic script names modules", async () => {
  const { tab, messages } = await open(`<script crossorigin src="${SCRIPT()}"></script><al-chat-window></al-chat-window>`);
  assert.deepEqual(messages.map(([type]) => type), ["error"]);
  assert.match(messages[0][1], /import\.meta.*module/);
  await tab.close();
});
