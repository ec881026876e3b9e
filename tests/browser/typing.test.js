// Typing a question: input methods, the Enter key, and the portal's limit.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { SCREENS } from "./page_checks.js";
import { startService, until } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

const questions = (tab) => tab.page.locator(".question .text").allTextContents();
const draft = (tab) => tab.input.inputValue();

/** Fires a key press as a browser does that only a test of another browser could press. Returns whether it was cancelled. */
const fireKey = (tab, init) =>
  tab.input.evaluate((input, init) => {
    const event = new KeyboardEvent("keydown", { bubbles: true, composed: true, cancelable: true, ...init });
    return !input.dispatchEvent(event);
  }, init);

async function compose(tab, text) {
  await tab.input.focus();
  const devtools = await tab.page.context().newCDPSession(tab.page);
  await devtools.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
  return { commit: () => devtools.send("Input.insertText", { text }) };
}

const ENDS_OF_COMPOSITIONS = {
  "Safari": { isAfter: true, key: "Enter", keyCode: 229, isComposing: false },
  "Chrome": { isAfter: false, key: "Enter", keyCode: 229, isComposing: true },
  "Chrome on Windows": { isAfter: false, key: "Process", keyCode: 229, isComposing: true },
  "Firefox": { isAfter: false, key: "Process", keyCode: 229, isComposing: true },
  "an unknown key": { isAfter: true, key: "Unidentified", keyCode: 229, isComposing: false },
};
for (const [browser, { isAfter, ...key }] of Object.entries(ENDS_OF_COMPOSITIONS)) {
  test(`Enter that ends a composition sends nothing: ${browser}`, async () => {
    const tab = await service.tab();
    for (const text of ["東京", "北京", "서울", "é"]) {
      await tab.input.fill("");
      const composition = await compose(tab, text);
      if (!isAfter) assert.equal(await fireKey(tab, key), false);
      await composition.commit();
      if (isAfter) assert.equal(await fireKey(tab, key), false);
      assert.deepEqual([await draft(tab), await questions(tab)], [text, []]);
    }
    await tab.input.press("Enter");
    await tab.isDone();
    assert.deepEqual(await questions(tab), ["é"]);
    await tab.close();
  });
}

test("Escape that ends a composition stops no answer", async () => {
  const tab = await service.tab();
  service.model.when("Never ending", (call) => call.say("On and on"));
  await tab.ask("Never ending");
  await tab.reads("On and on");
  await fireKey(tab, { key: "Escape", keyCode: 229 });
  assert.equal(await tab.stop.isVisible(), true);
  await tab.input.press("Escape");
  await tab.isDone();
  await tab.close();
});

test("Shift+Enter and Alt+Enter make a line, Ctrl+Enter sends", async () => {
  const tab = await service.tab();
  await tab.input.pressSequentially("one");
  await tab.input.press("Shift+Enter");
  await tab.input.pressSequentially("two");
  await tab.input.press("Alt+Enter");
  await tab.input.pressSequentially("three");
  assert.deepEqual([await draft(tab), await questions(tab)], ["one\ntwo\nthree", []]);
  await tab.input.press("Control+z");
  assert.notEqual(await draft(tab), "one\ntwo\nthree");
  await tab.input.fill("one\ntwo");
  await tab.input.press("Control+Enter");
  await tab.isDone();
  await tab.input.fill("three");
  await tab.input.press("Meta+Enter");
  await tab.isDone();
  assert.deepEqual(await questions(tab), ["one\ntwo", "three"]);
  await tab.close();
});

test("on a phone Enter makes a line and the button sends", async () => {
  const tab = await service.tab(SCREENS.phone);
  assert.equal(await tab.input.getAttribute("enterkeyhint"), "enter");
  await tab.input.pressSequentially("one");
  await tab.input.press("Enter");
  await tab.input.pressSequentially("two");
  assert.deepEqual([await draft(tab), await questions(tab)], ["one\ntwo", []]);
  await tab.send.tap();
  await tab.isDone();
  await tab.input.fill("with a keyboard");
  await tab.input.press("Control+Enter");
  await tab.isDone();
  assert.deepEqual(await questions(tab), ["one\ntwo", "with a keyboard"]);
  await tab.close();
});

test("Enter that is pressed twice or held down sends once", async () => {
  const tab = await service.tab();
  await tab.input.fill("Only once");
  await tab.page.keyboard.press("Enter");
  await tab.page.keyboard.press("Enter");
  await tab.isDone();
  await tab.input.fill("A draft");
  assert.equal(await fireKey(tab, { key: "Enter", keyCode: 13, repeat: true }), true);
  assert.deepEqual([await draft(tab), await questions(tab)], ["A draft", ["Only once"]]);
  assert.equal(await tab.input.getAttribute("enterkeyhint"), "send");
  await tab.close();
});

test("the portal says that a question is too long", async () => {
  const tab = await service.tab({}, "/");
  const length = tab.page.locator("form [role=status]");
  // The server counts characters, not UTF-16 units, and none around the text.
  await tab.input.fill(`  ${"😀".repeat(500)}\n`);
  assert.equal(await length.isVisible(), false);
  const long = "x".repeat(600);
  await tab.input.fill(long);
  assert.equal(await length.textContent(), "The message is too long: 600 of 500 characters.");
  assert.equal(await tab.input.getAttribute("aria-invalid"), "true");
  await tab.input.press("Enter");
  await tab.send.click();
  await tab.window.evaluate((window) => window.send());
  assert.deepEqual([await draft(tab), await questions(tab)], [long, []]);
  await tab.input.fill("y".repeat(500));
  await tab.input.press("Enter");
  await tab.isDone();
  assert.deepEqual([(await questions(tab)).length, await length.isVisible()], [1, false]);
  await tab.close();
});

test("a long paste into the portal arrives whole", async () => {
  const tab = await service.tab({}, "/");
  await tab.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const text = "All of this, up to the last word. ".repeat(20).trim();
  await tab.page.evaluate((text) => navigator.clipboard.writeText(text), text);
  await tab.input.focus();
  await tab.page.keyboard.press("Control+v");
  await until("the paste", async () => (await draft(tab)) === text);
  await tab.page.locator(".length").getByText(`${text.length} of 500`).waitFor();
  await tab.close();
});
