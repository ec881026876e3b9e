// Responses of proxies and other servers in place of AL-Chat's.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { posts, startService } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

const PAGE = "<!doctype html><title>nginx</title><h1>Sorry</h1>";
const answerWith = (tab, response, path = "**/api/chat") =>
  tab.page.route(path, (route) => route.fulfill({ contentType: "text/html", body: PAGE, ...response }));
const attach = (tab, content) =>
  tab.page.locator("input[type=file]").setInputFiles({ name: "report.txt", mimeType: "text/plain", buffer: Buffer.from(content) });
const keysOf = (requests) => posts(requests, "/api/chat").map((request) => request.headers()["idempotency-key"]);

for (const status of [400, 401, 403, 404, 414, 431, 429, 500, 200]) {
  test(`a page with status ${status} ends the turn with a sentence`, async () => {
    const tab = await service.tab();
    const requests = tab.requests();
    await answerWith(tab, { status });
    await tab.ask("Anybody there?");
    await tab.trouble.getByText(`The chat was not reached (status ${status}).`).waitFor();
    assert.equal(keysOf(requests).length, 1);
    await tab.close();
  });
}

test("a page in place of a session ends the turn", async () => {
  const tab = await service.tab();
  await answerWith(tab, { status: 200 }, "**/api/session/start");
  await tab.ask("Anybody there?");
  await tab.trouble.getByText("The chat was not reached (status 200).").waitFor();
  await tab.page.unroute("**/api/session/start");
  await tab.retry.click();
  await tab.reads("Anybody there?");
  await tab.close();
});

for (const [name, value] of [["seconds", () => "30"], ["a date", () => new Date(Date.now() + 30_000).toUTCString()]]) {
  test(`the time to wait is read from a proxy's header: ${name}`, async () => {
    const tab = await service.tab();
    await answerWith(tab, { status: 429, headers: { "retry-after": value() } });
    await tab.ask("Once more");
    await tab.trouble.getByText(/You can try again in (2\d|30) s/).waitFor();
    await tab.close();
  });
}

test("a proxy that has lost the server is tried again, then named", async () => {
  const tab = await service.tab();
  const requests = tab.requests();
  await tab.page.clock.install();
  await answerWith(tab, { status: 502 });
  await tab.ask("Are you back?");
  for (let tries = 0; !(await tab.retry.count()) && tries < 100; tries++) await tab.page.clock.runFor(500);
  await tab.trouble.getByText("The chat was not reached (status 502).").waitFor();
  await tab.page.unroute("**/api/chat");
  await tab.retry.click();
  await tab.page.clock.runFor(1000);
  await tab.reads("Are you back?");
  assert.equal(new Set(keysOf(requests)).size, 1);
  await tab.close();
});

test("a request too large for a proxy returns to the form", async () => {
  const tab = await service.tab();
  await answerWith(tab, { status: 413 });
  await attach(tab, "word ".repeat(20_000));
  await tab.ask("Sum it up");
  await tab.trouble.getByText("too large for this site. Please shorten it, attach less").waitFor();
  assert.equal(await tab.input.inputValue(), "Sum it up");
  await tab.page.getByRole("button", { name: "Remove report.txt" }).click();
  await tab.input.press("Enter");
  await tab.trouble.nth(1).getByText("or start a new conversation.").waitFor();
  await tab.close();
});

test("a large request that the browser sees fail returns to the form", async () => {
  const tab = await service.tab();
  const requests = tab.requests();
  // As a proxy's 413 without CORS headers looks like from another origin.
  await tab.page.route("**/api/chat", (route) => route.abort());
  await attach(tab, "word ".repeat(20_000));
  await tab.ask("Sum it up");
  await tab.trouble.getByText("too large for this site. Please shorten it, attach less").waitFor();
  assert.equal(await tab.input.inputValue(), "Sum it up");
  assert.equal(await tab.page.getByRole("button", { name: "Remove report.txt" }).count(), 1);
  const keys = keysOf(requests);
  assert.deepEqual([keys.length, new Set(keys).size], [2, 1]);
  await tab.close();
});

for (const status of [401, 429]) {
  test(`a page with status ${status} ends an answer's resumption`, async () => {
    const tab = await service.tab();
    const question = `Cut by ${status}`;
    service.model.when(question, (call) => call.say("The first words"));
    await tab.ask(question);
    await tab.reads("The first words");
    const requests = tab.requests();
    await answerWith(tab, { status }, "**/events");
    await tab.page.reload();
    await tab.trouble.getByText(`The chat was not reached (status ${status}).`).waitFor();
    assert.equal(requests.filter((request) => request.url().endsWith("/events")).length, 1);
    await tab.close();
  });
}
