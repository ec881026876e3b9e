// Lost connections: what was begun is resumed, and what cannot be is said.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { posts, startService } from "./service.js";
import { gate } from "./model.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

test("an answer resumes after an offline period", async () => {
  const tab = await service.tab();
  const [more] = service.model.inParts("Through the tunnel", "Dark ", "and light.");
  await tab.ask("Through the tunnel");
  await tab.reads("Dark ");
  await tab.page.context().setOffline(true);
  service.line.breakAll();
  more();
  await tab.page.locator("div.note").getByText("You are offline").waitFor();
  await tab.page.context().setOffline(false);
  await tab.reads("Dark and light.");
  await tab.isDone();
  assert.equal(service.model.callsOf("Through the tunnel").length, 1);
  assert.equal(await tab.page.locator("div.note").count(), 0);
  await tab.close();
});

test("a turn without a session does not ask for one when it resumes", async () => {
  const tab = await service.tab();
  const requests = tab.requests();
  const refusal = { status: 429, json: { error: "Too many sessions", code: "limit_reached" } };
  await tab.page.route("**/api/session/start", (route) => route.fulfill(refusal));
  const [more] = service.model.inParts("Without a session", "Here ", "I am.");
  await tab.ask("Without a session");
  await tab.reads("Here ");
  // The session ends as it does when the page is left; then the page is shown again.
  await tab.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide")));
  service.line.breakAll();
  more();
  await tab.reads("Here I am.");
  await tab.isDone();
  assert.equal(posts(requests, "/session/start").length, 1);
  await tab.close();
});

test("a question asked offline is sent when online again", async () => {
  const tab = await service.tab();
  await tab.page.context().setOffline(true);
  await tab.ask("Anybody there?");
  await tab.page.locator("div.note").getByText("You are offline").waitFor();
  await tab.page.context().setOffline(false);
  await tab.reads("Anybody there?");
  await tab.close();
});

test("a connection that breaks repeatedly resumes each time", async () => {
  const tab = await service.tab();
  const gates = service.model.inParts("Bad wires", "This ", "and that, ", "and those, ", "and all.");
  await tab.ask("Bad wires");
  await tab.reads("This ");
  const expected = ["This and that, ", "This and that, and those, ", "This and that, and those, and all."];
  for (const [index, open] of gates.entries()) {
    service.line.breakAll();
    open();
    await tab.reads(expected[index]);
  }
  await tab.isDone();
  assert.equal(service.model.callsOf("Bad wires").length, 1);
  await tab.close();
});

test("a long absence shows an interrupted answer with a retry", async () => {
  const tab = await service.tab();
  const begun = gate();
  service.model.when("Wait for me", async (call) => {
    call.say("I ");
    begun.open(call.disconnected);
  });
  await tab.ask("Wait for me");
  await tab.reads("I ");
  await tab.page.context().setOffline(true);
  service.line.breakAll();
  // The server ends a turn that has had no reader for a while.
  await begun.opened;
  await tab.page.context().setOffline(false);
  await tab.trouble.getByText("The answer was cut off").waitFor();
  await tab.retry.click();
  await tab.reads("Wait for me");
  assert.equal(service.model.callsOf("Wait for me").length, 2);
  await tab.close();
});

test("an unreachable server is shown; a retry reuses the key", async () => {
  const tab = await service.tab();
  await tab.askAndWait("Before");
  const [more] = service.model.inParts("Lost for long", "There ", "and back.");
  await tab.ask("Lost for long");
  await tab.reads("There ");
  // The page's clock is accelerated, so that its waits end soon.
  await tab.page.clock.install();
  service.line.cut();
  await tab.page.locator("div.note").getByText("Reconnecting").waitFor();
  for (let tries = 0; !(await tab.retry.count()) && tries < 200; tries++) await tab.page.clock.runFor(1000);
  await tab.trouble.getByText("cannot be reached").waitFor();
  service.line.mend();
  more();
  await tab.retry.click();
  await tab.reads("There and back.");
  assert.equal(service.model.callsOf("Lost for long").length, 1);
  await tab.close();
});
