// Reloads and tabs: the conversation goes on in each.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { posts, startService, Tab, until } from "./service.js";
import { gate } from "./model.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

test("a reload during an answer resumes it with one model call", async () => {
  const tab = await service.tab();
  const [more, end] = service.model.inParts("A long story", "Once ", "upon ", "a time.");
  await tab.ask("A long story");
  await tab.reads("Once ");
  more();
  await tab.reads("Once upon ");
  const requests = tab.requests();
  await tab.page.reload();
  await tab.reads("Once upon ");
  end();
  await tab.reads("Once upon a time.");
  await tab.isDone();
  assert.equal(service.model.callsOf("A long story").length, 1);
  assert.equal(posts(requests, "/api/chat").length, 0);
  assert.equal(await tab.page.locator(".turn").count(), 1);
  await tab.page.reload();
  await tab.reads("Once upon a time.");
  await tab.close();
});

test("a reload before the first text reuses the key", async () => {
  const tab = await service.tab();
  const reached = gate();
  const go = gate();
  service.model.when("Slow start", async (call) => {
    reached.open();
    await go.opened;
    call.say("Here.");
    call.done();
  });
  await tab.ask("Slow start");
  await reached.opened;
  await tab.page.reload();
  go.open();
  await tab.reads("Here.");
  await tab.isDone();
  assert.equal(service.model.callsOf("Slow start").length, 1);
  await tab.close();
});

test("two tabs have separate conversations and sessions", async () => {
  const one = await service.tab();
  const other = new Tab(await one.page.context().newPage());
  await other.page.goto(one.page.url());
  const [more] = service.model.inParts("From one", "I am ", "one.");
  await one.ask("From one");
  await one.reads("I am ");
  await other.askAndWait("From the other");
  assert.equal(await other.answerText(), "From the other");
  more();
  await one.reads("I am one.");
  const lines = (await service.log("chat")).slice(-2);
  assert.notEqual(lines[0].session_id, lines[1].session_id);
  await one.close();
});

test("a duplicated tab reads the same answer with one model call", async () => {
  const one = await service.tab();
  const [more] = service.model.inParts("To be copied", "The same ", "for both.");
  await one.ask("To be copied");
  await one.reads("The same ");
  // A browser copies the session storage of a duplicated tab.
  const kept = await one.page.evaluate(() => ({ ...sessionStorage }));
  const page = await one.page.context().newPage();
  await page.addInitScript((kept) => Object.assign(sessionStorage, kept), kept);
  await page.goto(one.page.url());
  const other = new Tab(page);
  await other.reads("The same ");
  more();
  for (const tab of [one, other]) {
    await tab.reads("The same for both.");
    await tab.isDone();
  }
  assert.equal(service.model.callsOf("To be copied").length, 1);
  await one.askAndWait("Original");
  await other.askAndWait("Copy");
  const lines = (await service.log("chat")).slice(-2);
  assert.notEqual(lines[0].session_id, lines[1].session_id);
  await one.close();
});

test("closing the page stops its session with its metrics", async () => {
  const tab = await service.tab();
  await tab.askAndWait("First");
  service.model.when("Second", (call) => call.refuse(500));
  await tab.askAndWait("Second");
  const session = (await service.log("chat")).at(-1).session_id;
  const stops = async () => (await service.log("session_stop")).filter((line) => line.session_id === session);

  await tab.page.reload();
  const [stop] = await until("the stop", async () => (await stops()).length && (await stops()));
  const { seconds, ...counts } = stop.metrics;
  assert.deepEqual(counts, { messages: 2, answers: 1, errors: 1, stopped: 0, files: 0 });
  assert.ok(seconds >= 0 && seconds < 60);
  assert.equal(stop.server_metrics.turns, 2);

  // The conversation continues in another session.
  assert.equal(await tab.page.locator(".turn").count(), 2);
  await tab.askAndWait("Third");
  assert.deepEqual(service.model.callsOf("Third")[0].messages.map(({ content }) => content), ["First", "First", "Third"]);
  const last = (await service.log("chat")).at(-1).session_id;
  assert.notEqual(last, session);
  await tab.page.goto("about:blank");
  await until("the other stop", async () => (await service.log("session_stop")).some((line) => line.session_id === last));
  assert.equal((await stops()).length, 1);
  await tab.close();
});
