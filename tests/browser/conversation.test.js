// Turns in the window: streams, stops and failures.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { posts, startService, until } from "./service.js";
import { gate } from "./model.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

test("a turn streams into the window", async () => {
  const tab = await service.tab();
  const requests = tab.requests();
  await tab.window.evaluate((window) => {
    window.told = [];
    for (const name of ["session", "message", "answer", "error"]) {
      document.addEventListener(`al-chat:${name}`, ({ type, detail }) => window.told.push([type, detail]));
    }
  });
  const [more] = service.model.inParts("Tell me of the sea", "It is ", "**wide**.");
  await tab.ask("Tell me of the sea");
  await tab.reads("It is ");
  assert.equal(await tab.stop.isVisible(), true);
  assert.equal(await tab.send.isVisible(), false);
  more();
  await tab.isDone();
  assert.equal(await tab.answer.innerHTML(), '<p dir="auto">It is <strong>wide</strong>.</p>');
  assert.equal(await tab.send.isVisible(), true);

  const told = await tab.window.evaluate((window) => window.told);
  assert.deepEqual(told.map(([type]) => type), ["al-chat:message", "al-chat:session", "al-chat:answer"]);
  assert.deepEqual(told[0][1], { text: "Tell me of the sea", files: [] });
  assert.equal(told[2][1].text, "It is **wide**.");
  assert.equal(told[2][1].finishReason, "complete");
  const [turn] = posts(requests, "/api/chat");
  assert.equal(turn.headers()["x-session-id"], told[1][1].sessionId);
  assert.match(turn.headers()["idempotency-key"], /^\d+(-\d+){3}$/);
  assert.equal(posts(requests, "/session/start").length, 1);

  await tab.askAndWait("And of the sand?");
  const { messages } = service.model.callsOf("And of the sand?")[0];
  assert.deepEqual(messages.map(({ role, content }) => [role, content]), [
    ["user", "Tell me of the sea"],
    ["assistant", "It is **wide**."],
    ["user", "And of the sand?"],
  ]);
  assert.equal(posts(requests, "/session/start").length, 1);
  await tab.close();
});

test("a stop keeps the text and closes the model's connection", async () => {
  const tab = await service.tab();
  let disconnected;
  service.model.when("Count to a million", (call) => {
    disconnected = call.disconnected;
    call.say("One, two");
  });
  await tab.ask("Count to a million");
  await tab.reads("One, two");
  await tab.stop.click();
  await disconnected;
  await tab.isDone();
  assert.equal(await tab.answerText(), "One, two");
  assert.match(await tab.page.locator("div.note").textContent(), /Stopped/);
  const line = await until("the turn's line", async () =>
    (await service.log("chat")).find((line) => line.finish === "stopped"),
  );
  assert.equal(line.status, 200);
  await tab.askAndWait("Go on");
  assert.equal(service.model.callsOf("Go on")[0].messages[1].content, "One, two");
  await tab.close();
});

test("a stop before the first text closes the model's connection", async () => {
  const tab = await service.tab();
  const reached = gate();
  let disconnected;
  service.model.when("Think for long", (call) => {
    disconnected = call.disconnected;
    reached.open();
  });
  await tab.ask("Think for long");
  await reached.opened;
  await tab.page.keyboard.press("Escape");
  await tab.isDone();
  await disconnected;
  assert.equal(await tab.trouble.count(), 0);
  await tab.askAndWait("Something else");
  // The stopped question has no answer, so that both questions are sent as one message.
  assert.match(await tab.answerText(), /^Think for long\s*Something else$/);
  await tab.close();
});

test("a question that was stopped early does not disturb the next one", async () => {
  const tab = await service.tab();
  const requests = tab.requests();
  const held = gate();
  // The response to the first question arrives while the second one is being answered.
  await tab.page.route("**/api/chat", async (route) => {
    const response = await route.fetch();
    await held.opened;
    await route.fulfill({ response });
  }, { times: 1 });
  await tab.ask("First");
  await until("the first question", () => posts(requests, "/api/chat").length);
  await tab.page.keyboard.press("Escape");
  await tab.isDone();
  const [more] = service.model.inParts("First\n\nSecond", "It is ", "done.");
  await tab.ask("Second");
  await tab.reads("It is ");
  held.open();
  await until("the stop of the first question", () => posts(requests, "/stop").length);
  more();
  await tab.isDone();
  assert.equal(await tab.answerText(), "It is done.");
  assert.equal(requests.filter((request) => request.url().endsWith("/events")).length, 0);
  assert.equal(posts(requests, "/api/chat").length, 2);
  await tab.close();
});

test("a failure is shown and can be retried by a button", async () => {
  const tab = await service.tab();
  const requests = tab.requests();
  const half = gate();
  service.model.when("Try hard", (call) => call.refuse(500), async (call) => {
    call.say("Half");
    await half.opened;
    call.cut();
  });
  await tab.ask("Try hard");
  await tab.retry.waitFor();
  assert.equal(await tab.trouble.locator("p").first().textContent(), "The model's provider failed; please try again.");
  await tab.retry.click();
  await tab.reads("Half");
  half.open();
  await until("the second failure", () => tab.trouble.getByText("connection to the model").count());
  assert.equal(await tab.answerText(), "Half");
  await tab.retry.click();
  await tab.reads("Try hard");
  assert.equal(await tab.trouble.count(), 0);
  assert.equal(service.model.callsOf("Try hard").length, 3);
  // A failed turn that may have a cost is retried with another key.
  const keys = posts(requests, "/api/chat").map((request) => request.headers()["idempotency-key"]);
  assert.equal(new Set(keys).size, 3);
  await tab.close();
});

test("a rate limit shows when to retry", async () => {
  const tab = await service.tab();
  const requests = tab.requests();
  service.model.when("More, more", (call) => call.refuse(429, { "retry-after": "2" }));
  await tab.ask("More, more");
  await tab.trouble.getByText(/You can try again in [12] s/).waitFor();
  assert.equal(await tab.retry.getAttribute("aria-disabled"), "true");
  await tab.retry.dispatchEvent("click");
  assert.equal(service.model.callsOf("More, more").length, 1);
  await until("the end of the wait", async () => (await tab.retry.getAttribute("aria-disabled")) === "false");
  await tab.retry.click();
  await tab.reads("More, more");
  // The turn had no cost, so that its key was released.
  const keys = posts(requests, "/api/chat").map((request) => request.headers()["idempotency-key"]);
  assert.deepEqual([keys.length, new Set(keys).size], [2, 1]);
  await tab.close();
});

test("a rejected message returns to the input field", async () => {
  const tab = await service.tab();
  await tab.window.evaluate((window) => (window.model = "unknown-model"));
  await tab.ask("Who are you?");
  await tab.trouble.getByText("may not be chosen").waitFor();
  assert.equal(await tab.retry.count(), 0);
  assert.equal(await tab.input.inputValue(), "Who are you?");
  await tab.window.evaluate((window) => (window.model = "other-model"));
  await tab.input.press("Enter");
  await tab.reads("Who are you?");
  assert.equal(service.model.callsOf("Who are you?")[0].messages.length, 1);
  await tab.close();
});

test("a new conversation clears the old one", async () => {
  const tab = await service.tab();
  await tab.askAndWait("Forget me");
  await tab.page.getByRole("button", { name: "New conversation" }).click();
  assert.equal(await tab.page.locator(".turn").count(), 0);
  await tab.askAndWait("Fresh");
  assert.equal(service.model.callsOf("Fresh")[0].messages.length, 1);
  await tab.page.reload();
  await tab.reads("Fresh");
  assert.equal(await tab.page.locator(".turn").count(), 1);
  await tab.close();
});

test("two windows on one page are independent", async () => {
  const tab = await service.tab();
  await tab.page.evaluate(() => document.body.append(document.createElement("al-chat-window")));
  const windows = tab.page.locator("al-chat-window");
  await windows.nth(0).locator("textarea").fill("Left");
  await windows.nth(0).locator("textarea").press("Enter");
  await windows.nth(1).locator("textarea").fill("Right");
  await windows.nth(1).locator("textarea").press("Enter");
  for (const [index, text] of ["Left", "Right"].entries()) {
    await until(text, async () => (await windows.nth(index).locator(".answer .body").allTextContents()).join() === text);
  }
  await tab.close();
});

test("a limit of the day shows the time to come back", async () => {
  const limited = await startService({ LIMIT_VISITOR: "1/day" });
  const tab = await limited.tab();
  await tab.askAndWait("Hello");
  await tab.ask("And again?");
  await tab.trouble.getByText("As many questions as are allowed here have been asked for now").waitFor();
  await tab.trouble.getByText(/You can try again at [\d/, ]*\d+:\d\d:\d\d/).waitFor();
  assert.equal(await tab.retry.getAttribute("aria-disabled"), "true");
  await limited.close();
});

test("a spent budget has the window's own text, which a page can replace", async () => {
  const poor = await startService({ LIMIT_TOTAL: "0.000001usd/day", MODEL_PRICES: "gpt-4o-mini=1/1" });
  const tab = await poor.tab();
  await tab.askAndWait("Hello");
  await tab.ask("And again?");
  await tab.trouble.getByText("What the questions of a day may cost here is spent.", { exact: true }).waitFor();
  await tab.trouble.getByText(/You can try again at [\d/, ]*\d+:\d\d:\d\d/).waitFor();
  await tab.window.evaluate((window) => (window.strings = { errors: { limit_reached: "Genug." } }));
  await tab.window.evaluate((window) => window.clear());
  await tab.ask("And now?");
  await tab.trouble.getByText("What the questions of a day may cost here is spent.").waitFor();
  await tab.window.evaluate((window) => (window.strings = { errors: { budget_spent: "Morgen wieder." } }));
  await tab.window.evaluate((window) => window.clear());
  await tab.ask("And then?");
  await tab.trouble.getByText("Morgen wieder.").waitFor();
  await poor.close();
});

/** Answers the questions of a tab by an error. */
const refuseWith = (tab, status, code, headers = {}) =>
  tab.page.route("**/api/chat", (route) => route.fulfill({ status, headers, json: { error: "Not now", code } }));

test("a time to come back on another day is shown with its day", async () => {
  const tab = await service.tab();
  await refuseWith(tab, 429, "budget_spent", { "retry-after": String(25 * 3600) });
  await tab.window.evaluate((window) => (window.strings = { errors: { budget_spent: "Heute nicht mehr." } }));
  await tab.ask("Hello");
  await tab.trouble.getByText("Heute nicht mehr.").waitFor();
  await tab.trouble.getByText(/You can try again at \d+\/\d+\/\d+, \d+:\d\d:\d\d/).waitFor();
  await tab.close();
});

test("a question that the guard rejects goes back to be changed", async () => {
  const tab = await service.tab();
  await refuseWith(tab, 422, "rejected_by_guard");
  await tab.ask("My card is 4111");
  await tab.trouble.getByText("Not now.").waitFor();
  assert.equal(await tab.input.inputValue(), "My card is 4111");
  assert.equal(await tab.retry.count(), 0);
  await tab.close();
});

test("a question is answered when no session can be started", async () => {
  const limited = await startService({ LIMIT_SESSIONS: "1/day" });
  const first = await limited.tab();
  await first.askAndWait("With a session");
  const tab = await limited.tab();
  const requests = tab.requests();
  await tab.askAndWait("Without a session?");
  await tab.reads("Without a session?");
  assert.equal(await tab.trouble.count(), 0);
  assert.equal(posts(requests, "/api/chat")[0].headers()["x-session-id"], undefined);
  await tab.page.reload();
  await tab.reads("Without a session?");
  assert.equal(posts(requests, "/session/stop").length, 0);
  assert.equal((await limited.log("session_start")).length, 1);
  await limited.close();
});
