// Elements that are moved, removed and replaced.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { posts, startService, until } from "./service.js";
import { gate } from "./model.js";

let service;
let site;
before(async () => {
  service = await startService();
  const script = `<script type="module" src="http://127.0.0.1:${service.port}/chat-window.js"></script>`;
  const body = `<!doctype html><title>Shop</title>${script}<main><al-chat-window></al-chat-window></main>`;
  site = await service.site({ "/": { body } });
});
after(() => service.close());

test("an element moved during an answer continues it once", async () => {
  const tab = await service.tab();
  const rest = gate();
  service.model.when("Move me", async (call) => {
    call.say("From here ");
    await rest.opened;
    call.say("to there.");
    call.done();
  });
  await tab.ask("Move me");
  await tab.reads("From here");
  const requests = tab.requests();
  await tab.page.evaluate(() => document.body.append(document.querySelector("al-chat-window")));
  await until("the way back", () => requests.some((request) => request.url().endsWith("/events")));
  rest.open();
  await tab.reads("From here to there.");
  assert.equal(requests.filter((request) => request.url().endsWith("/events")).length, 1);
  assert.equal(service.model.callsOf("Move me").length, 1);
  await tab.close();
});

test("a moved element keeps its session, a removed one ends it", async () => {
  const tab = await service.tab();
  await tab.askAndWait("Stay");
  const session = (await service.log("chat")).at(-1).session_id;
  await tab.page.evaluate(() => document.body.append(document.querySelector("al-chat-window")));
  await tab.askAndWait("Still here?");
  assert.equal((await service.log("chat")).at(-1).session_id, session);
  assert.equal(await tab.page.locator(".turn").count(), 2);
  await tab.page.evaluate(() => document.querySelector("al-chat-window").remove());
  await until("the stop", async () => (await service.log("session_stop")).some((line) => line.session_id === session));
  await tab.close();
});

/** The ways in which pages and frameworks replace an element. Each runs in the page. */
const REPLACEMENTS = {
  "the new one before the old one": (old) => {
    old.insertAdjacentHTML("beforebegin", "<al-chat-window></al-chat-window>");
    old.remove();
  },
  "both at once": (old) => old.replaceWith(document.createElement("al-chat-window")),
  "as markup of the parent": (old) => (old.parentNode.innerHTML = "<al-chat-window></al-chat-window>"),
  "the body": () => {
    const body = document.createElement("body");
    body.innerHTML = "<main><al-chat-window></al-chat-window></main>";
    document.body.replaceWith(body);
  },
  "mounted, unmounted, mounted": (old) => {
    const parent = old.parentNode;
    old.remove();
    parent.append(document.createElement("al-chat-window"));
    parent.lastChild.remove();
    parent.append(document.createElement("al-chat-window"));
  },
  "both shown for a while": async (old) => {
    old.after(document.createElement("al-chat-window"));
    await new Promise((resolve) => setTimeout(resolve, 150));
    old.remove();
  },
  "the new one later": async (old) => {
    const parent = old.parentNode;
    old.remove();
    await new Promise((resolve) => setTimeout(resolve, 50));
    parent.append(document.createElement("al-chat-window"));
  },
  "the same one later": async (old) => {
    const parent = old.parentNode;
    old.remove();
    await new Promise((resolve) => setTimeout(resolve, 50));
    parent.append(old);
  },
};

const questions = (tab) => tab.page.locator(".question .text").allTextContents();

/** Opens a page of another site, which has an element in a parent of its own. */
async function nested() {
  const tab = await service.tab();
  await tab.page.goto(`http://127.0.0.1:${site.port}/`);
  return tab;
}

for (const [name, replace] of Object.entries(REPLACEMENTS)) {
  test(`a replaced window continues: ${name}`, async () => {
    const tab = await nested();
    const [more] = service.model.inParts(`Now by ${name}`, "Half ", "and half.");
    await tab.askAndWait("Before");
    await tab.ask(`Now by ${name}`);
    await tab.reads("Half ");
    const requests = tab.requests();
    for (const _ of [1, 2, 3]) await tab.window.evaluate(replace);
    assert.equal(await tab.window.count(), 1);
    await tab.reads("Half ");
    more();
    await tab.reads("Half and half.");
    await tab.isDone();
    assert.deepEqual(await questions(tab), ["Before", `Now by ${name}`]);
    assert.equal(service.model.callsOf(`Now by ${name}`).length, 1);
    assert.equal(posts(requests, "/api/chat").length, 0);
    await tab.close();
  });
}

test("a draft, its files and an open bubble outlast a swap", async () => {
  const tab = await nested();
  await tab.window.evaluate((window) => (window.mode = "bubble"));
  await tab.page.getByRole("button", { name: "Open chat" }).click();
  await tab.input.fill("Not yet sent");
  await tab.page.locator("input[type=file]").setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
  await tab.page.getByRole("button", { name: "Remove a.txt" }).waitFor();
  await tab.window.evaluate((old) => {
    old.insertAdjacentHTML("beforebegin", '<al-chat-window mode="bubble"></al-chat-window>');
    old.remove();
  });
  assert.equal(await tab.input.inputValue(), "Not yet sent");
  assert.equal(await tab.input.isVisible(), true);
  assert.equal(await tab.page.getByRole("button", { name: "Remove a.txt" }).isVisible(), true);
  await tab.close();
});

test("two replaced windows keep a conversation each", async () => {
  const tab = await nested();
  await tab.page.evaluate(() => document.querySelector("main").append(document.createElement("al-chat-window")));
  for (const [index, text] of ["Left", "Right"].entries()) {
    const input = tab.page.locator("textarea").nth(index);
    await input.fill(text);
    await input.press("Enter");
  }
  const shown = () => tab.window.evaluateAll((all) => all.map((it) => it.shadowRoot.querySelector(".question .text").textContent));
  await until("both answers", async () => (await tab.page.locator(".answer .body").allTextContents()).join() === "Left,Right");
  await tab.page.evaluate(() => {
    const old = [...document.querySelectorAll("al-chat-window")];
    old[0].insertAdjacentHTML("beforebegin", "<al-chat-window></al-chat-window><al-chat-window></al-chat-window>");
    for (const window of old) window.remove();
  });
  assert.deepEqual(await shown(), ["Left", "Right"]);
  await tab.close();
});

test("a removed window leaves another one's conversation alone", async () => {
  const tab = await nested();
  await tab.page.evaluate(() => document.querySelector("main").append(document.createElement("al-chat-window")));
  await tab.page.locator("textarea").nth(1).fill("Mine");
  await tab.page.locator("textarea").nth(1).press("Enter");
  await until("the answer", async () => (await tab.page.locator(".answer .body").allTextContents()).join() === "Mine");
  await tab.window.first().evaluate((window) => window.remove());
  assert.deepEqual(await questions(tab), ["Mine"]);
  await tab.close();
});

test("a swap ends the session once and keeps its counts", async () => {
  const tab = await nested();
  await tab.askAndWait("Counted");
  const session = (await service.log("chat")).at(-1).session_id;
  await tab.window.evaluate(REPLACEMENTS["the new one before the old one"]);
  const stops = async () => (await service.log("session_stop")).filter((line) => line.session_id === session);
  const [{ metrics }] = await until("the stop", async () => (await stops()).length && (await stops()));
  assert.deepEqual([metrics.messages, metrics.answers], [1, 1]);
  await tab.askAndWait("In another session");
  assert.notEqual((await service.log("chat")).at(-1).session_id, session);
  assert.equal((await stops()).length, 1);
  await tab.close();
});

test("another id, persona or api is another conversation", async () => {
  const tab = await nested();
  const set = (name, value) => tab.window.evaluate((window, [name, value]) => (window[name] = value), [name, value]);
  await tab.askAndWait("In the first");
  for (const [name, other, first] of [["id", "other", ""], ["persona", "amaya", null], ["api", "/elsewhere/", null]]) {
    await set(name, other);
    assert.deepEqual(await questions(tab), [], name);
    await set(name, first);
    assert.deepEqual(await questions(tab), ["In the first"], name);
  }
  for (const api of ["http://[", "::", ""]) await set("api", api);
  await set("api", null);
  await tab.askAndWait("Still there");
  assert.deepEqual(await questions(tab), ["In the first", "Still there"]);
  await tab.close();
});
