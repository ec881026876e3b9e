// The position in the log: while an answer is written, in boxes that change their size, and in long conversations.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { gate } from "./model.js";
import { startService, until } from "./service.js";

const paragraphs = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => `Paragraph ${from + at}.\n\n`).join("");

let service;
before(async () => (service = await startService()));
after(() => service.close());

/** Opens a tab in which an answer is being written. `more` sends further text. */
async function writing(question) {
  const tab = await service.tab();
  const { opened, open } = gate();
  service.model.when(question, (call) => (call.say(paragraphs(1, 40)), open(call)));
  await tab.ask(question);
  await tab.page.locator(".body p").getByText("Paragraph 40.", { exact: true }).waitFor();
  const log = tab.page.locator(".log");
  return Object.assign(tab, {
    log,
    call: await opened,
    latest: tab.page.locator("[part~=latest]"),
    top: () => log.evaluate(({ scrollTop }) => Math.round(scrollTop)),
    rest: () => log.evaluate(({ scrollHeight, scrollTop, clientHeight }) => Math.round(scrollHeight - scrollTop - clientHeight)),
  });
}

/** Sends text every few milliseconds, and meanwhile does something. */
async function whileWordsCome(tab, act) {
  let at = 100;
  const say = () => tab.call.say(`Word ${at++}.\n\n`);
  const timer = setInterval(say, 15);
  say();
  await act();
  clearInterval(timer);
  await tab.page.locator(".body p").getByText(`Word ${at - 1}.`, { exact: true }).waitFor();
}

/** Ways to scroll up; each leaves the end. */
const WAYS_UP = {
  "small steps of the wheel": async ({ page, log }) => {
    await log.hover();
    for (let step = 0; step < 5; step++) {
      await page.mouse.wheel(0, -40);
      await page.evaluate(() => new Promise((done) => setTimeout(done, 60)));
    }
  },
  PageUp: async ({ log }) => log.press("PageUp"),
  Home: async ({ log }) => log.press("Home"),
  "a script, as find-in-page does": async ({ log }) => log.evaluate((it) => (it.scrollTop -= 3)),
};

for (const [way, scrollUp] of Object.entries(WAYS_UP)) {
  test(`who scrolls up stays there: ${way}`, async () => {
    const tab = await writing(`Up by ${way}`);
    await until("the end", async () => (await tab.rest()) <= 1);
    await whileWordsCome(tab, () => scrollUp(tab));
    await tab.latest.waitFor();
    // A smooth scroll ends.
    await tab.log.evaluate(async (log) => {
      for (let top = -1; top !== log.scrollTop; await new Promise((done) => setTimeout(done, 100))) top = log.scrollTop;
    });
    const top = await tab.top();
    tab.call.say("And more.\n\n");
    await tab.page.locator(".body p").getByText("And more.", { exact: true }).waitFor();
    assert.equal(await tab.top(), top);
    assert.match(await tab.latest.getAttribute("aria-label"), /new text/);
    await tab.close();
  });
}

test("a button leads to the end by keyboard, and words follow", async () => {
  const tab = await writing("Way down");
  await tab.log.press("Home");
  await until("the start", async () => (await tab.top()) === 0);
  await tab.latest.press("Enter");
  await until("the end", async () => (await tab.rest()) <= 1);
  assert.equal(await tab.latest.isVisible(), false);
  assert.equal(await tab.log.evaluate((log) => log.matches(":focus")), true);
  tab.call.say(paragraphs(41, 60));
  await tab.page.locator(".body p").getByText("Paragraph 60.", { exact: true }).waitFor();
  await until("the end after more words", async () => (await tab.rest()) <= 1);
  await tab.close();
});

test("who scrolls to the end follows again; a question leads there", async () => {
  const tab = await writing("Down again");
  await tab.log.press("Home");
  await tab.latest.waitFor();
  await tab.log.press("End");
  await until("no button", async () => !(await tab.latest.isVisible()));
  tab.call.say(paragraphs(41, 60));
  await tab.page.locator(".body p").getByText("Paragraph 60.", { exact: true }).waitFor();
  await until("the end", async () => (await tab.rest()) <= 1);
  tab.call.done();
  await tab.isDone();
  await tab.log.press("Home");
  await until("the start", async () => (await tab.top()) === 0);
  await tab.askAndWait("Next");
  await until("the end after a question", async () => (await tab.rest()) <= 1);
  await tab.close();
});

test("the end stays in sight when the box or the field resizes", async () => {
  const tab = await writing("Resize");
  for (const height of ["300px", "600px", "250px"]) {
    await tab.window.evaluate((window, height) => (window.style.height = height), height);
    await until(`the end at ${height}`, async () => (await tab.rest()) <= 1 && (await tab.latest.isHidden()));
  }
  for (const text of ["one\n".repeat(6), ""]) {
    await tab.input.fill(text);
    tab.call.say("Typed.\n\n");
    await until("the end while typing", async () => (await tab.rest()) <= 1 && (await tab.latest.isHidden()));
  }
  await tab.close();
});

test("a window that is displayed later shows the end and its field", async () => {
  const tab = await writing("Later");
  tab.call.done();
  await tab.isDone();
  await tab.page.addInitScript(() => {
    addEventListener("DOMContentLoaded", () => (document.querySelector("main").style.display = "none"));
  });
  await tab.page.reload();
  const { length } = await tab.page.locator(".turn").all();
  assert.equal(length, 1);
  await tab.page.evaluate(() => (document.querySelector("main").style.display = ""));
  await until("the end", async () => (await tab.rest()) <= 1);
  assert.ok((await tab.input.boundingBox()).height >= 20);
  await tab.close();
});
