// The visitor's conversation with Amaya, and its history on the server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { gate } from "./model.js";
import { becomeVisible, greeting, mood, PORTAL, shown, shows } from "./portal_page.js";
import { startService, Tab, until } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service?.close());

test("Amaya greets, and a turn streams into the window", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.page.getByRole("heading", { name: "Amaya" }).waitFor();
  assert.equal(await tab.page.locator("header svg.amaya").isVisible(), true);
  await greeting(tab).getByText("Hey you").waitFor();
  await tab.page.getByRole("button", { name: "online" }).waitFor();
  assert.equal(await mood(tab), "calm");
  const [more] = service.model.inParts("Is the sky clear?", "As clear ", "as **you**.");
  await tab.ask("Is the sky clear?");
  await tab.reads("As clear ");
  assert.equal(await mood(tab), "thinking");
  more();
  await tab.isDone();
  assert.equal(await tab.answer.innerHTML(), '<p dir="auto">As clear as <strong>you</strong>.</p>');
  assert.equal(await mood(tab), "happy");
  const [{ messages }] = service.model.callsOf("Is the sky clear?");
  assert.deepEqual([messages[0].role, messages.length], ["system", 2]);
  await tab.close();
});

test("the conversation survives a reload and is private", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.askAndWait("Remember me");
  await tab.askAndWait("Really?");
  const conversation = ["Remember me", "Remember me", "Really?", "Really?"];
  await tab.page.reload();
  await shows(tab, ...conversation);
  const other = await service.tabIn(tab.page.context(), PORTAL);
  await shows(other, ...conversation);
  await other.askAndWait("And here?");
  const { messages } = service.model.callsOf("And here?")[0];
  assert.deepEqual(messages.slice(1).map(({ content }) => content), [...conversation, "And here?"]);
  const stranger = await service.tab({}, PORTAL);
  await greeting(stranger).getByText("Hey you").waitFor();
  assert.deepEqual(await shown(stranger), []);
  await stranger.close();
  await tab.close();
});

test("concurrent messages of two tabs are stored and shown", async () => {
  const one = await service.tab({}, PORTAL);
  const other = await service.tabIn(one.page.context(), PORTAL);
  const [end] = service.model.inParts("From one", "I am ", "one.");
  await one.ask("From one");
  await one.reads("I am ");
  await other.ask("From the other");
  end();
  await one.isDone();
  await other.isDone();
  for (const tab of [one, other]) {
    await becomeVisible(tab);
    await shows(tab, "From one", "I am one.", "From the other", "From the other");
  }
  await one.close();
});

test("a stop keeps the text and closes the model's connection", async () => {
  const tab = await service.tab({}, PORTAL);
  let disconnected;
  service.model.when("Count the stars", (call) => {
    disconnected = call.disconnected;
    call.say("One, two");
  });
  await tab.ask("Count the stars");
  await tab.reads("One, two");
  await tab.stop.click();
  await disconnected;
  await tab.isDone();
  assert.equal(await tab.answerText(), "One, two");
  assert.equal(await mood(tab), "calm");
  await tab.askAndWait("And now?");
  await tab.page.reload();
  await shows(tab, "Count the stars", "One, two", "And now?", "And now?");
  await tab.close();
});

test("a failure survives a reload and can be retried", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.askAndWait("Before");
  service.model.when("Try hard", (call) => call.refuse(500));
  await tab.ask("Try hard");
  await tab.retry.waitFor();
  assert.equal(await mood(tab), "sorry");
  await tab.page.reload();
  await tab.retry.waitFor();
  await becomeVisible(tab);
  await tab.retry.click();
  await tab.reads("Try hard");
  await tab.isDone();
  await tab.page.reload();
  await shows(tab, "Before", "Before", "Try hard", "Try hard");
  assert.equal(await tab.retry.count(), 0);
  await tab.close();
});

test("a reload during an answer resumes it with one model call", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.askAndWait("First");
  const [end] = service.model.inParts("A long story", "Once upon ", "a time.");
  await tab.ask("A long story");
  await tab.reads("Once upon ");
  await tab.page.reload();
  await tab.reads("Once upon ");
  assert.equal(await mood(tab), "thinking");
  end();
  await shows(tab, "First", "First", "A long story", "Once upon a time.");
  await tab.isDone();
  assert.equal(service.model.callsOf("A long story").length, 1);
  await tab.close();
});

test("an answer during a lost connection is shown afterwards", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.askAndWait("Before the tunnel");
  const [end] = service.model.inParts("Lost for long", "There ", "and back.");
  await tab.ask("Lost for long");
  await tab.reads("There ");
  // The page's clock is accelerated, so that its waits end soon.
  await tab.page.clock.install();
  service.line.cut();
  end();
  await tab.page.locator("div.note").getByText("Reconnecting").waitFor();
  for (let tries = 0; !(await tab.retry.count()) && tries < 200; tries++) await tab.page.clock.runFor(1000);
  await tab.trouble.getByText("cannot be reached").waitFor();
  service.line.mend();
  await until("the answer", async () => (await becomeVisible(tab), (await tab.retry.count()) === 0));
  await shows(tab, "Before the tunnel", "Before the tunnel", "Lost for long", "There and back.");
  assert.equal(service.model.callsOf("Lost for long").length, 1);
  await tab.close();
});

test("a new conversation clears the history on the server", async () => {
  const tab = await service.tab({}, PORTAL);
  const other = await service.tabIn(tab.page.context(), PORTAL);
  await tab.askAndWait("Forget me");
  await becomeVisible(other);
  await shows(other, "Forget me", "Forget me");
  await tab.page.getByRole("button", { name: "Forget our conversation" }).click();
  await tab.askAndWait("Fresh");
  assert.equal(service.model.callsOf("Fresh")[0].messages.length, 2);
  await tab.page.reload();
  await shows(tab, "Fresh", "Fresh");
  await becomeVisible(other);
  await shows(other, "Fresh", "Fresh");
  await tab.close();
});

test("an unreadable history keeps the tab's messages", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.askAndWait("Keep me");
  const asked = tab.page.waitForRequest((request) => request.url().endsWith("/chat_history"));
  await tab.page.route("**/chat_history", (route) => route.abort());
  await tab.page.reload();
  await asked;
  await shows(tab, "Keep me", "Keep me");
  await tab.page.locator(".log").waitFor();
  await tab.close();
});

test("a failed clear is reported and shows the conversation", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.askAndWait("Stay");
  await tab.page.route("**/clear_chat", (route) => route.abort());
  await tab.page.getByRole("button", { name: "Forget our conversation" }).click();
  await tab.page.locator("form [role=alert]").getByText("Something went wrong").waitFor();
  await shows(tab, "Stay", "Stay");
  await tab.close();
});

test("an unreachable server on clear shows the conversation", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.askAndWait("Stay, too");
  for (const path of ["**/clear_chat", "**/chat_history"]) await tab.page.route(path, (route) => route.abort());
  await tab.window.evaluate((window) => window.clear());
  await tab.page.locator("form [role=alert]").getByText("Something went wrong").waitFor();
  await shows(tab, "Stay, too", "Stay, too");
  await tab.close();
});

test("a question withdrawn before it is sent is not sent", async () => {
  const tab = await service.tab({}, PORTAL);
  const started = gate();
  await tab.page.route("**/session/start", async (route) => {
    await started.opened;
    await route.continue();
  });
  await tab.ask("Ghost");
  await tab.window.evaluate((window) => window.clear());
  await tab.ask("And now?");
  started.open();
  await tab.reads("And now?");
  await shows(tab, "And now?", "And now?");
  assert.equal(service.model.callsOf("Ghost").length, 0);
  await tab.close();
});

test("a question before the history has loaded is shown first", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.askAndWait("Before");
  const other = new Tab(await tab.page.context().newPage());
  const told = gate();
  await other.page.route("**/chat_history", async (route) => {
    await told.opened;
    await route.continue();
  });
  await other.page.goto(tab.page.url());
  await other.ask("Already?");
  await other.page.locator(".question").getByText("Already?").waitFor();
  told.open();
  await shows(other, "Before", "Before", "Already?", "Already?");
  await tab.close();
});

test("a scrolled position stays when messages are added", async () => {
  const tab = await service.tab({}, PORTAL);
  service.model.when("At length", (call) => (call.say("A line.\n\n".repeat(60)), call.done()));
  await tab.askAndWait("At length");
  const other = await service.tabIn(tab.page.context(), PORTAL);
  await other.askAndWait("Over here");
  await tab.page.locator(".log").evaluate((log) => (log.scrollTop = 300));
  await becomeVisible(tab);
  await tab.page.locator(".question").getByText("Over here").waitFor();
  assert.equal(await tab.page.locator(".log").evaluate((log) => log.scrollTop), 300);
  await tab.close();
});

test("a message sent by the page keeps the draft", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.input.fill("A draft");
  await tab.window.evaluate((window) => window.send("Hello from the page"));
  await tab.reads("Hello from the page");
  assert.equal(await tab.input.inputValue(), "A draft");
  await tab.close();
});

test("the portal accepts no files", async () => {
  const tab = await service.tab({}, PORTAL);
  assert.equal(await tab.page.getByRole("button", { name: "Attach" }).count(), 0);
  const dropped = await tab.page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["three"], "dropped.md"));
    return transfer;
  });
  await tab.page.locator(".panel").dispatchEvent("dragover", { dataTransfer: dropped });
  await tab.page.locator(".panel").dispatchEvent("drop", { dataTransfer: dropped });
  assert.equal(await tab.page.locator(".drop").isVisible(), false);
  await tab.page.locator("form [role=alert]").getByText("Files cannot be attached here.").waitFor();
  assert.equal(await tab.page.locator("form .chips li").count(), 0);
  await tab.close();
});

test("after 200 turns cookie and history are intact", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.askAndWait("Turn 0");
  const context = tab.page.context();
  const [cookie] = await context.cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, "Lax", "/"]);
  await tab.page.evaluate(async () => {
    for (let turn = 1; turn < 200; turn++) {
      const body = JSON.stringify({ message: `Turn ${turn}` });
      const headers = { "Content-Type": "application/json" };
      const response = await fetch("/chat", { method: "POST", headers, body });
      const { success } = await response.json();
      if (!success) throw new Error(`turn ${turn}: ${response.status}`);
    }
  });
  const cookies = await context.cookies();
  assert.deepEqual(cookies.map(({ value }) => value), [cookie.value]);
  await tab.page.reload();
  await until("all turns", async () => (await tab.page.locator(".turn").count()) === 200);
  assert.equal(await tab.answerText(), "Turn 199");
  await tab.close();
});
