// Sites of `al-chat.toml`: the window's tickets, the limits of their visitors, and pauses.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { posts, startService, startSite, Tab, until } from "./service.js";

const pages = {};
let website, service;

/** Returns the address of a page of the website under one of its names. */
const pageOf = (name, path = "/") => `http://${name}.example:${website.port}${path}`;

before(async () => {
  website = await startSite(pages);
  const sites = ["shop", "blog", "limited"].map((name) => `[[sites]]\nid = "${name}"\norigins = ["${pageOf(name, "")}"]\n`);
  service = await startService({}, `${sites.join("")}limits.visitor = "2/day"\n`);
  const api = `http://127.0.0.1:${service.port}`;
  const page = (script, attributes) =>
    `<!doctype html><title>Site</title><script type="module" src="${script}"></script>
     <div style="height: 600px"><al-chat-window ${attributes}></al-chat-window></div>`;
  for (const name of ["shop", "limited"]) pages[`/${name}`] = { body: page(`${api}/chat-window.js`, `site="${name}"`) };
  // Another website that serves a copy of the script.
  const body = await (await fetch(`${api}/chat-window.js`)).text();
  pages["/copy.js"] = { body, headers: { "content-type": "text/javascript" } };
  pages["/copied"] = { body: page("/copy.js", `api="${api}" site="shop"`) };
  const frame = `<iframe src="${api}/embed-demo?site=shop" style="width: 24rem; height: 36rem"></iframe>`;
  pages["/framed"] = { body: `<!doctype html><title>Site</title>${frame}` };
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

const ticketRequests = (requests) => posts(requests, "/api/embed/ticket").map((request) => request.postDataJSON());
const bearersOf = (requests) => posts(requests, "/api/chat").map((request) => request.headers().authorization);

test("a listed site works with third-party cookies blocked", async () => {
  const browser = await service.strictBrowser();
  const tab = new Tab(await browser.newPage());
  const requests = tab.requests();
  await tab.page.goto(pageOf("shop", "/shop"));
  assert.deepEqual(ticketRequests(requests), []);
  await tab.askAndWait("Hello from the shop");
  await tab.reads("Hello from the shop");
  await tab.page.reload();
  await tab.askAndWait("Hello again");
  await tab.reads("Hello again");
  // A reload has the same ticket.
  assert.deepEqual(ticketRequests(requests), [{ site: "shop" }]);
  const bearers = bearersOf(requests);
  assert.match(bearers[0], /^Bearer alt_/);
  assert.deepEqual(bearers, [bearers[0], bearers[0]]);
  const lines = await until("the log", async () => {
    const lines = (await service.log("chat")).filter(({ site }) => site === "shop");
    return lines.length === 2 && lines;
  });
  assert.ok(lines.every((line) => line.is_guest));
  assert.deepEqual(await browser.cookies(), []);
  await browser.close();
});

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

test("a site's id on the website of another site is refused at once", async () => {
  const tab = await visit(pageOf("blog", "/copied"));
  await tab.ask("For the shop's money?");
  await tab.trouble.getByText("The chat is not allowed on this website").waitFor();
  assert.equal(service.model.callsOf("For the shop's money?").length, 0);
  await tab.close();
});

test("a renewed ticket has the same visitor, whose limit is shown", async () => {
  const tab = await visit(pageOf("limited", "/limited"), (page) => page.clock.install());
  const requests = tab.requests();
  await tab.askAndWait("One");
  await tab.reads("One");
  await tab.page.clock.fastForward(14.5 * 60_000);
  await tab.askAndWait("Two");
  await tab.reads("Two");
  const answers = posts(requests, "/api/embed/ticket").map(async (request) => (await (await request.response()).json()).ticket);
  const [previous, next] = await Promise.all(answers);
  assert.deepEqual(ticketRequests(requests), [{ site: "limited" }, { site: "limited", previous }]);
  assert.deepEqual(bearersOf(requests), [`Bearer ${previous}`, `Bearer ${next}`]);

  await tab.ask("Three");
  await tab.trouble.getByText("As many questions as are allowed here have been asked for now").waitFor();
  await tab.trouble.getByText(/You can try again at [\d/, ]*\d+:\d\d:\d\d/).waitFor();
  assert.equal(await tab.retry.getAttribute("aria-disabled"), "true");
  assert.equal(service.model.callsOf("Three").length, 0);
  // Another visitor at the same address can ask.
  const other = await visit(pageOf("limited", "/limited"));
  await other.askAndWait("Mine");
  await other.reads("Mine");
  await other.close();
  await tab.close();
});

test("a refused ticket is replaced without a word to the visitor", async () => {
  const tab = await visit(pageOf("shop", "/shop"));
  await tab.askAndWait("First");
  await tab.page.evaluate(() => {
    const key = Object.keys(sessionStorage).find((key) => key.startsWith("al-chat-ticket"));
    const stored = JSON.parse(sessionStorage.getItem(key));
    sessionStorage.setItem(key, JSON.stringify({ ...stored, ticket: "alt_of_another_server" }));
  });
  const requests = tab.requests();
  await tab.window.evaluate(({ shadowRoot }) => {
    globalThis.troubles = 0;
    new MutationObserver(() => {
      if (shadowRoot.querySelector(".turn .trouble, .turn .note:not(button)")) globalThis.troubles++;
    }).observe(shadowRoot, { subtree: true, childList: true });
  });
  await tab.askAndWait("Second");
  await tab.reads("Second");
  assert.equal(await tab.page.evaluate(() => globalThis.troubles), 0);
  assert.equal(ticketRequests(requests).length, 1);
  const keys = posts(requests, "/api/chat").map((request) => request.headers()["idempotency-key"]);
  assert.deepEqual([keys.length, new Set(keys).size], [2, 1]);
  await tab.close();
});

test("an answer is resumed and stopped with the ticket", async () => {
  const tab = await visit(pageOf("shop", "/shop"));
  service.model.when("Count", (call) => call.say("One, two"));
  await tab.ask("Count");
  await tab.reads("One, two");
  const requests = tab.requests();
  await tab.page.reload();
  await tab.reads("One, two");
  await tab.stop.click();
  await until("the stop", () => requests.some((request) => request.url().endsWith("/stop")));
  const own = requests.filter((request) => /\/(events|stop)$/.test(request.url()) && request.method() !== "OPTIONS");
  assert.deepEqual(own.map((request) => new URL(request.url()).pathname.split("/").at(-1)), ["events", "stop"]);
  for (const request of own) {
    assert.match(request.headers().authorization, /^Bearer alt_/);
    assert.equal((await request.response()).status(), 200);
  }
  assert.deepEqual(ticketRequests(requests), []);
  await tab.close();
});

test("a paused site shows a sentence, and goes on afterwards", async () => {
  const set = async (action) => {
    const response = await fetch(`http://127.0.0.1:${service.port}/api/admin/sites/shop/${action}`, { method: "POST" });
    assert.equal(response.status, 200);
  };
  const tab = await visit(pageOf("shop", "/shop"), (page) => page.clock.install());
  await set("pause");
  await tab.ask("Open?");
  await tab.trouble.getByText("The chat is paused at the moment").waitFor();
  await tab.trouble.getByText(/You can try again in \d\d s/).waitFor();
  assert.equal(service.model.callsOf("Open?").length, 0);
  await set("resume");
  await tab.page.clock.fastForward(61_000);
  await tab.retry.click();
  await tab.reads("Open?");
  await tab.close();
});

test("a listed website shows the window in a frame, which asks for its site", async () => {
  const tab = await visit("about:blank");
  const requests = tab.requests();
  await tab.page.goto(pageOf("shop", "/framed"));
  const frame = tab.page.frameLocator("iframe");
  await frame.locator("textarea").fill("Hello from a frame");
  assert.equal(await frame.getByRole("button", { name: "Copy", exact: true }).isVisible(), false);
  await frame.locator("textarea").press("Enter");
  await frame.locator(".answer .body").getByText("Hello from a frame").waitFor();
  assert.deepEqual(ticketRequests(requests), [{ site: "shop" }]);
  assert.match(bearersOf(requests)[0], /^Bearer alt_/);
  await tab.close();
});

test("a website that the site does not list shows no frame", async () => {
  for (const name of ["thief", "blog"]) {
    const tab = await visit(pageOf(name, "/framed"));
    await until("the refusal", () => tab.page.frames().some((frame) => frame.url().startsWith("chrome-error:")));
    assert.equal(await tab.page.frameLocator("iframe").locator("textarea").count(), 0, name);
    await tab.close();
  }
});

test("the demo page needs no ticket", async () => {
  const tab = await service.tab();
  const requests = tab.requests();
  await tab.askAndWait("Hello from the operator");
  await tab.reads("Hello from the operator");
  assert.deepEqual([ticketRequests(requests), bearersOf(requests)], [[], [undefined]]);
  await tab.close();
});
