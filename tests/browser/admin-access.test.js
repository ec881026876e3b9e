// Who can open the operator's page, and where its token is not.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ADMIN, askAndWait, close, enter, isLive, openAdmin, openLive, show, TOKEN } from "./admin_page.js";
import { startService, until } from "./service.js";

const VIEWS = ["Today", "Sessions", "Live", "Service"];

let open, guarded;
before(async () => {
  open = await startService();
  guarded = await startService({ ADMIN_TOKEN: TOKEN });
});
after(() => Promise.all([open?.close(), guarded?.close()]));

test("without a token the server's own machine sees the page", async () => {
  const page = await openLive(open);
  assert.equal(await page.getByLabel("Operator's token").count(), 0);
  assert.equal(await page.getByRole("button", { name: "Lock" }).count(), 0);
  await close(page);
});

test("the page of another server sees nothing of it", async () => {
  const site = await open.site({ "/": { body: "<!doctype html><title>Other</title>" } });
  const { page } = await open.tab();
  await page.goto(`http://127.0.0.1:${site.port}/`);
  const address = `http://127.0.0.1:${open.port}/api/admin/`;
  const status = (path, method) =>
    page.evaluate(([url, method]) => fetch(url, { method }).then(({ status }) => status, () => "blocked"), [address + path, method]);
  assert.deepEqual([await status("sites", "GET"), await status("status", "GET")], [401, 401]);
  assert.ok([401, "blocked"].includes(await status("pause", "POST")));
  await close(page);
});

test("a page that is opened while the server starts tries again", async () => {
  const page = await (await open.browser.newContext()).newPage();
  const starting = { status: 503, json: { error: "The server is starting", code: "starting" } };
  await page.route("**/api/admin/sites", (route) => route.fulfill(starting), { times: 2 });
  await page.goto(`http://127.0.0.1:${open.line.port}${ADMIN}`);
  await page.getByText("The server is starting").waitFor();
  await isLive(page);
  await close(page);
});

test("a wrong token is explained, and the right one opens", async () => {
  const page = await openAdmin(guarded);
  await page.getByLabel("Operator's token").waitFor();
  assert.equal(await page.locator("#token-problem").textContent(), "");
  for (const wrong of ["wrong", `${TOKEN}x`, TOKEN.toLowerCase()]) {
    await enter(page, wrong);
    await page.getByText("This is not the operator's token.").waitFor();
  }
  assert.equal(await page.getByRole("navigation").count(), 0);
  await enter(page, ` ${TOKEN} `);
  await isLive(page);
  assert.equal(await page.getByLabel("Operator's token").count(), 0);
  await close(page);
});

test("the token is in the memory of the tab only", async () => {
  const page = await openAdmin(guarded);
  const urls = [];
  page.on("request", (request) => urls.push(request.url()));
  await enter(page, TOKEN);
  await isLive(page);
  for (const view of VIEWS) await show(page, view);
  const found = await page.evaluate(async () => {
    const databases = await indexedDB.databases();
    return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, databases, document.cookie, location.href, history.state, document.documentElement.outerHTML]);
  });
  assert.equal(found.includes(TOKEN), false);
  const inputs = await page.locator("input").evaluateAll((all) => all.map(({ value }) => value));
  assert.equal(inputs.includes(TOKEN), false);
  assert.deepEqual(urls.filter((url) => url.includes(TOKEN)), []);
  assert.deepEqual(await page.context().storageState(), { cookies: [], origins: [] });
  await page.reload();
  await page.getByLabel("Operator's token").waitFor();
  assert.equal(await page.getByLabel("Operator's token").inputValue(), "");
  await close(page);
});

test("a locked page forgets the token and all figures", async () => {
  const page = await openAdmin(guarded);
  await enter(page, TOKEN);
  await isLive(page);
  await page.getByRole("button", { name: "Lock" }).click();
  await page.getByLabel("Operator's token").waitFor();
  assert.equal(await page.locator(".figure").count(), 0);
  await close(page);
});

test("a changed token is asked for anew", async () => {
  const page = await openAdmin(guarded);
  await enter(page, TOKEN);
  await isLive(page);
  const changed = TOKEN.split("").reverse().join("");
  await guarded.restart({ ADMIN_TOKEN: changed });
  await page.getByText("The server does not take this token any more").waitFor();
  assert.equal(await page.locator(".figure").count(), 0);
  await enter(page, changed);
  await isLive(page);
  await close(page);
  await guarded.restart();
});

test("requests stay in the origin and satisfy the policy", async () => {
  await askAndWait(open, "Hello");
  const page = await (await open.browser.newContext()).newPage();
  const complaints = [];
  const origins = new Set();
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => violations.push(violatedDirective));
  });
  await page.goto(`http://127.0.0.1:${open.line.port}${ADMIN}`);
  await isLive(page);
  for (const view of VIEWS) await show(page, view);
  await show(page, "Today");
  await page.getByText("Show as a table").first().click();
  await page.getByRole("button", { name: "Pause all" }).click();
  assert.deepEqual(await page.evaluate(() => violations), []);
  assert.deepEqual(complaints, []);
  assert.deepEqual([...origins], [`http://127.0.0.1:${open.line.port}`]);
  await close(page);
});

test("no page shows the operator's page in a frame", async () => {
  const framed = `http://127.0.0.1:${open.port}${ADMIN}`;
  const site = await open.site({ "/": { body: `<!doctype html><title>Site</title><iframe src="${framed}"></iframe>` } });
  const { page } = await open.tab();
  await page.goto(`http://127.0.0.1:${site.port}/`);
  await until("the blocked frame", async () => {
    const [, frame] = page.frames();
    return frame && (await frame.locator("body").evaluate(() => !document.querySelector("main")).catch(() => false)) && frame.url().startsWith("chrome-error");
  });
  await close(page);
});

test("without scripts the page says what it needs", async () => {
  const page = await openAdmin(open, { javaScriptEnabled: false });
  await page.locator("noscript p").waitFor();
  await close(page);
});
