// The embedded window: size, types, languages, the keyboard and screen readers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { startService, until } from "./service.js";
import { gate } from "./model.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

test("the script has less than 20 kB when it is zipped", async () => {
  const response = await fetch(`http://127.0.0.1:${service.port}/chat-window.js`);
  const { length } = gzipSync(await response.text(), { level: 9 });
  console.log(`chat-window.js: ${length} bytes zipped`);
  assert.ok(length < 20_000);
});

test("what few visitors need is loaded when it is needed", async () => {
  const tab = await service.tab();
  const requests = tab.requests();
  const loaded = () => requests.filter((request) => request.url().endsWith("/chat-window-on-demand.js")).length;
  const attach = (name, ...bytes) =>
    tab.page.locator("input[type=file]").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(bytes) });
  await tab.askAndWait("Hello");
  assert.equal(loaded(), 0);
  await tab.page.route("**/chat-window-on-demand.js", (route) => route.abort());
  await attach("early.txt", 65);
  await tab.page.getByText("Something went wrong. Try again.").waitFor();
  await tab.page.unroute("**/chat-window-on-demand.js");
  for (const name of ["one.txt", "two.txt"]) {
    await attach(name, 65);
    await tab.page.getByRole("button", { name: `Remove ${name}` }).waitFor();
  }
  assert.equal(await tab.page.locator("form [role=alert]").isVisible(), false);
  assert.equal(loaded(), 2);
  await tab.close();
});

test("a site sets texts, names and colours", async () => {
  const tab = await service.tab();
  const body = `<!doctype html><html lang="ar" dir="rtl"><meta charset="utf-8"><title>متجر</title>
    <script type="module" src="http://127.0.0.1:${service.port}/chat-window.js"></script>
    <al-chat-window heading="محادثة" strings='{"send":"إرسال","errors":{"model_not_allowed":"لا"}}' username=" ada "
      style="--al-chat-accent: rgb(1, 2, 3)"></al-chat-window>`;
  const site = await service.site({ "/": { body } });
  await tab.page.goto(`http://127.0.0.1:${site.port}/`);
  await tab.window.evaluate((window) => (window.strings = { assistant: "المساعد" }));
  const send = tab.page.getByRole("button", { name: "إرسال" });
  assert.equal(await send.evaluate((button) => getComputedStyle(button).backgroundColor), "rgb(1, 2, 3)");
  const { x } = await send.boundingBox();
  assert.ok(x < 200, "right to left, the button is on the left");
  assert.equal(await tab.page.getByRole("heading").textContent(), "محادثة");
  await tab.askAndWait("مرحبا");
  const line = (await service.log("chat")).at(-1);
  assert.deepEqual([line.username, line.is_guest], ["ada", false]);
  await tab.window.evaluate((window) => (window.model = "unknown"));
  await tab.ask("Again");
  await tab.trouble.getByText("لا").waitFor();
  await tab.close();
});

test("the persona attribute is sent", async () => {
  const tab = await service.tab();
  const requests = tab.requests();
  await tab.window.evaluate((window) => (window.persona = "assistant"));
  await tab.askAndWait("Who is there?");
  const turn = requests.find((request) => request.url().endsWith("/api/chat"));
  assert.equal(turn.postDataJSON().persona, "assistant");
  await tab.close();
});

test("a changed persona changes the texts", async () => {
  const tab = await service.tab();
  for (const [persona, heading] of [["amaya", "Amaya"], ["assistant", "Assistant"], [null, "Chat"]]) {
    await tab.window.evaluate((window, persona) => (window.persona = persona), persona);
    await tab.page.locator("h2").getByText(heading, { exact: true }).waitFor();
  }
  await tab.close();
});

test("a window has its persona's texts unless others are set", async () => {
  const tab = await service.tab();
  const words = async (attributes) => {
    await tab.page.evaluate((attributes) => {
      const window = document.createElement("al-chat-window");
      for (const [name, value] of Object.entries(attributes)) window.setAttribute(name, value);
      document.querySelector("al-chat-window").replaceWith(window);
    }, attributes);
    await until("the words", () => tab.page.locator(".log").evaluate((log) => log.ariaBusy === "false"));
    return [await tab.page.locator("h2").textContent(), await tab.page.locator("[part~=greeting]").textContent()];
  };
  const builtIn = ["Chat", "Hello! How can I help?"];
  const [name, hello] = await words({ persona: "amaya" });
  assert.deepEqual([name, hello.slice(0, 7)], ["Amaya", "Hey you"]);
  assert.deepEqual(await words({ persona: "amaya", heading: "Mine", strings: '{"greeting":"Hallo"}' }), ["Mine", "Hallo"]);
  assert.deepEqual(await words({ persona: "nobody" }), builtIn);
  const asked = tab.requests();
  assert.deepEqual(await words({}), builtIn);
  assert.equal(asked.length, 0);
  await tab.page.route("**/api/personas", (route) => route.abort());
  assert.deepEqual(await words({ persona: "amaya" }), builtIn);
  await tab.close();
});

test("everything works by keyboard", async () => {
  const tab = await service.tab();
  const { keyboard } = tab.page;
  const focused = () =>
    tab.window.evaluate(({ shadowRoot: { activeElement: it } }) => it?.ariaLabel || it?.textContent || it?.tagName);
  await tab.input.focus();
  await keyboard.type("Two");
  await keyboard.press("Shift+Enter");
  await keyboard.type("lines");
  service.model.when("Two\nlines", (call) => call.refuse(500), (call) => (call.say("```\ncode\n```"), call.done()));
  await keyboard.press("Enter");
  await tab.retry.waitFor();
  await tab.page.locator("header button").first().focus();
  const order = [];
  for (let stop = 0; stop < 5; stop++) {
    order.push(await focused());
    await keyboard.press("Tab");
  }
  assert.deepEqual(order, ["New conversation", "Conversation", "Try again", "Attach text files", "Write a message"]);
  await tab.retry.focus();
  await keyboard.press("Enter");
  await tab.answer.locator("pre").waitFor();
  await tab.isDone();
  assert.equal(await focused(), "Write a message");
  await tab.page.locator(".log").focus();
  await keyboard.press("Tab");
  assert.equal(await focused(), "Copy");
  await keyboard.press("Enter");
  await tab.answer.getByText("Copied").waitFor();
  await tab.close();
});

test("a screen reader gets each whole sentence once", async () => {
  const tab = await service.tab();
  const sentence = "This is a sentence that is long enough to be told before the answer has come to its end. ";
  const rest = gate();
  service.model.when("Tell", async (call) => {
    call.say(sentence, "And half of");
    await rest.opened;
    call.say(" **another**.");
    call.done();
  });
  const live = tab.page.locator("[aria-live=polite]");
  await tab.ask("Tell");
  await until("the first sentence", async () => (await live.textContent()).includes("to its end."));
  assert.doesNotMatch(await live.textContent(), /And half/);
  rest.open();
  await tab.isDone();
  assert.equal((await live.textContent()).replace(/\s+/g, " "), `${sentence.trim()} And half of another.`);
  assert.equal(await tab.page.locator("[role=log]").getAttribute("aria-live"), "off");
  await tab.close();
});
