// The pages behind a proxy that strips a prefix from all paths, as nginx's `location /help/chat/ { proxy_pass http://al-chat/; }`.
import assert from "node:assert/strict";
import { createServer, request as forward } from "node:http";
import { after, before, test } from "node:test";

import { greeting, shows } from "./portal_page.js";
import { startService, Tab, until } from "./service.js";

const PREFIX = "/help/chat/";

let service;
let proxy;
before(async () => {
  service = await startService();
  proxy = await startPrefixProxy(service.port);
});
after(() => (proxy?.close(), service?.close()));

/** Starts a proxy that passes requests below the prefix on without it, and lists all others in `missed`. */
async function startPrefixProxy(port) {
  const missed = [];
  const server = createServer((request, response) => {
    const { method, headers, url } = request;
    if (!url.startsWith(PREFIX)) {
      if (url !== "/favicon.ico") missed.push(url);
      return response.writeHead(404).end();
    }
    const path = url.slice(PREFIX.length - 1);
    const onward = forward({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}${PREFIX}`;
  return { url, missed, close: () => (server.closeAllConnections(), server.close()) };
}

/** Opens a page behind the proxy, and begins to list what it requests beside the prefix. */
async function open(path) {
  const context = await service.browser.newContext({ viewport: { width: 1000, height: 800 } });
  proxy.missed.length = 0;
  const tab = new Tab(await context.newPage());
  const responses = [];
  tab.page.on("response", (response) => responses.push([response.status(), response.url()]));
  await tab.page.goto(proxy.url + path);
  return { tab, failed: () => responses.filter(([status, url]) => status >= 400 && !url.endsWith("/favicon.ico")) };
}

const links = ({ page }) => page.locator("a").evaluateAll((all) => all.map(({ href }) => href));

test("the portal stores a conversation below a prefix", async () => {
  const { tab, failed } = await open("");
  await tab.page.getByRole("button", { name: "online" }).waitFor();
  await greeting(tab).getByText("Hey you").waitFor();
  await tab.askAndWait("Below a path");
  const [cookie] = await tab.page.context().cookies();
  assert.deepEqual([cookie.name, cookie.path], ["al_chat_visitor", "/"]);
  await tab.page.evaluate(() => sessionStorage.clear());
  await tab.page.reload();
  await shows(tab, "Below a path", "Below a path");
  await tab.page.getByRole("button", { name: "Forget our conversation" }).click();
  await tab.page.reload();
  await greeting(tab).getByText("Hey you").waitFor();
  await shows(tab);
  for (const link of await links(tab)) assert.ok(link.startsWith(proxy.url), link);
  for (const link of await links(tab)) assert.equal((await fetch(link)).status, 200, link);
  assert.deepEqual([failed(), proxy.missed], [[], []]);
  await tab.close();
});

test("the demo page names the address with the prefix", async () => {
  const { tab, failed } = await open("embed-demo");
  const lines = await tab.page.locator("#lines").textContent();
  assert.ok(lines.startsWith(`<script type="module" src="${proxy.url}chat-window.js"></script>\n<al-chat-window>`), lines);
  await tab.askAndWait("From the demo page");
  await tab.reads("From the demo page");
  assert.deepEqual(await links(tab), [`${proxy.url}chat-window.d.ts`]);
  assert.deepEqual([failed(), proxy.missed], [[], []]);
  const site = await service.site({ "/": { body: `<!doctype html><title>Shop</title>${lines}` } });
  await tab.page.goto(`http://127.0.0.1:${site.port}/`);
  await tab.askAndWait("From a site with these lines");
  await tab.reads("From a site with these lines");
  assert.deepEqual(proxy.missed, []);
  await tab.close();
});

test("the API reference calls the API below the prefix", async () => {
  const { tab, failed } = await open("docs");
  const { page } = tab;
  const operation = page.locator(".opblock").filter({ hasText: "/api/health/live" }).first();
  await operation.locator(".opblock-summary").first().click();
  await operation.getByRole("button", { name: "Try it out" }).click();
  const answered = page.waitForResponse((response) => response.url().includes("health/live"));
  await operation.getByRole("button", { name: "Execute" }).click();
  const answer = await answered;
  assert.deepEqual([answer.url(), answer.status()], [`${proxy.url}api/health/live`, 200]);
  await until("the shown address", async () =>
    (await operation.locator(".request-url").textContent()).includes(`${proxy.url}api/health/live`),
  );
  assert.deepEqual([failed(), proxy.missed], [[], []]);
  await tab.close();
});

test("a window with an api address below a prefix calls it there", async () => {
  for (const api of [proxy.url, proxy.url.slice(0, -1)]) {
    const script = `http://127.0.0.1:${service.port}/chat-window.js`;
    const body = `<!doctype html><script type="module" src="${script}"></script><al-chat-window api="${api}"></al-chat-window>`;
    const site = await service.site({ "/": { body } });
    const tab = new Tab(await service.browser.newPage());
    await tab.page.goto(`http://127.0.0.1:${site.port}/`);
    await tab.askAndWait("Hello");
    await tab.reads("Hello");
    assert.deepEqual(proxy.missed, []);
    await tab.page.close();
  }
});

test("the operator's page works below a prefix", async () => {
  const { tab, failed } = await open("admin");
  await tab.page.locator("body[data-connection=live]").waitFor();
  await tab.page.getByRole("link", { name: "Sessions" }).click();
  await tab.page.locator("button.link").first().waitFor();
  assert.deepEqual(failed(), []);
  assert.deepEqual(proxy.missed, []);
  await tab.close();
});
