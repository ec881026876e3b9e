// Sites of `al-chat.toml`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { posts, startService, startSite, Tab } from "./service.js";

const pages = {};
let website, service;

/** Returns the address of a page of the website under one of its names. */
const pageOf = (name, path = "/") => `http://${name}.example:${website.port}${path}`;

before(async () => {
  website = await startSite(pages);
  service = await startService({}, `[[sites]]\nid = "shop"\norigins = ["${pageOf("shop", "")}"]\n`);
  const api = `http://127.0.0.1:${service.port}`;
  const page = (script, attributes) =>
    `<!doctype html><title>Site</title><script type="module" src="${script}"></script>
     <div style="height: 600px"><al-chat-window ${attributes}></al-chat-window></div>`;
  // Another website that serves a copy of the script.
  const body = await (await fetch(`${api}/chat-window.js`)).text();
  pages["/copy.js"] = { body, headers: { "content-type": "text/javascript" } };
  pages["/copied"] = { body: page("/copy.js", `api="${api}" site="shop"`) };
});
after(async () => {
  await service?.close();
  website?.close();
});

/** Opens a page with the window in a tab with its own storage. */
async function visit(address, prepare = async () => {}) {
  const tab = new Tab(await (await service.browser.newContext()).newPage());
  await prepare(tab.page);
  await tab.page.goto(address);
  return tab;
}

test("the window says that an unlisted website is refused", async () => {
  const tab = await visit(pageOf("thief", "/copied"), (page) => page.clock.install());
  const requests = tab.requests();
  await tab.ask("For free?");
  for (let tries = 0; !(await tab.retry.count()) && tries < 100; tries++) await tab.page.clock.runFor(500);
  await tab.trouble.getByText("The chat does not answer this website.").waitFor();
  assert.equal(posts(requests, "/api/chat").length, 0);
  assert.equal(service.model.callsOf("For free?").length, 0);
  await tab.close();
});
