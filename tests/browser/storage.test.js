// What is stored of a window in the tab, and what else may be found there.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startService } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

const questions = (tab) => tab.page.locator(".question .text").allTextContents();

/** Returns the error messages of the page from now on. */
function errorsOf(tab) {
  const errors = [];
  tab.page.on("pageerror", (error) => errors.push(String(error)));
  return errors;
}

/** The keys of the window of the demo page: of its turns and of its draft. */
const keysOf = (tab) => tab.page.evaluate(() => Object.keys(sessionStorage).sort());

test("a draft of any size outlasts a reload, as do the turns", async () => {
  const tab = await service.tab();
  await tab.askAndWait("Asked before");
  for (const draft of ["Half a question", "x".repeat(1 << 20), ""]) {
    await tab.input.fill(draft);
    await tab.page.reload();
    assert.equal((await tab.input.inputValue()).length, draft.length);
    assert.deepEqual(await questions(tab), ["Asked before"]);
  }
  await tab.close();
});

test("a question that was sent is no draft any more", async () => {
  const tab = await service.tab();
  await tab.input.fill("Sent");
  await tab.page.reload();
  await tab.input.press("Enter");
  await tab.reads("Sent");
  await tab.isDone();
  await tab.page.reload();
  assert.equal(await tab.input.inputValue(), "");
  assert.deepEqual(await questions(tab), ["Sent"]);
  await tab.close();
});

test("a draft gives way to turns where the storage is full", async () => {
  const tab = await service.tab();
  await tab.askAndWait("First");
  await tab.input.fill("d".repeat(2 << 20));
  await tab.page.reload();
  await tab.page.evaluate(() => {
    // Leaves room for a few thousand characters.
    for (let size = 1 << 22; size > 4000; ) {
      try {
        sessionStorage.setItem(`filler ${size} ${Math.random()}`, "f".repeat(size));
      } catch {
        size >>= 1;
      }
    }
  });
  await tab.window.evaluate((window) => window.send(`Second${"!".repeat(9000)}`));
  await tab.isDone();
  await tab.page.reload();
  assert.deepEqual((await questions(tab)).map((text) => text.slice(0, 6)), ["First", "Second"]);
  await tab.close();
});

test("a long conversation in a full storage leaves its latest turns", async () => {
  const tab = await service.tab();
  await tab.askAndWait("Old");
  const fill = "o".repeat(450_000);
  for (let turn = 0; turn < 8; turn++) {
    await tab.window.evaluate((window, text) => window.send(text), `${turn} ${fill}`);
    await tab.isDone();
  }
  await tab.page.reload();
  const texts = (await questions(tab)).map((text) => text[0]);
  assert.ok(texts.length > 1 && texts.length < 9, texts.join());
  assert.equal(texts.at(-1), "7");
  await tab.close();
});

/** Values that another script may have written, or an older version of this one. */
const FOREIGN = [
  "", "{", "null", "true", "0", '"text"', "{}", "[]", "[null]", "[[]]", "[1, true, \"x\"]",
  '{"length": 3}', '[{"text": "x"}]', '[{"text": 1, "status": "done", "files": []}]',
  '[{"text": "x", "status": "done", "files": 5, "answer": null, "options": "no", "failure": 1}]',
  '[{"text": "x", "status": "failed", "files": [{"name": 1}, null, {}], "until": "soon"}]',
  '[{"text": "x", "status": "failed", "failure": {"message": {}, "status": "400"}}]',
  '[{"text": "x", "status": "unheard-of", "files": [], "answer": "y"}]',
  '{"draft": 5, "files": "a", "isOpen": "yes"}', '{"draft": {"length": 2}, "files": [{"content": 3}]}',
  '{"__proto__": {"draft": "x"}, "constructor": null}',
];

test("values of other scripts in the storage do no harm", async () => {
  const tab = await service.tab();
  await tab.askAndWait("To have keys");
  await tab.page.reload();
  const keys = await keysOf(tab);
  assert.equal(keys.length, 2);
  const errors = errorsOf(tab);
  for (const value of FOREIGN) {
    // After the window has stored for the last time what it shows.
    await tab.page.evaluate(([keys, value]) => {
      const store = () => keys.forEach((key) => sessionStorage.setItem(key, value));
      document.addEventListener("visibilitychange", store);
    }, [keys, value]);
    await tab.page.reload();
    assert.equal(await tab.page.evaluate((key) => sessionStorage.getItem(key), keys[0]), value);
    assert.equal(await tab.input.isVisible(), true, value);
    const text = `After ${FOREIGN.indexOf(value)}`;
    await tab.window.evaluate((window, text) => window.send(text), text);
    await tab.isDone();
    assert.equal((await questions(tab)).at(-1), text, value);
    assert.match(await tab.answerText(), new RegExp(`${text}$`), value);
  }
  assert.deepEqual(errors, []);
  await tab.close();
});

test("an address of the API that is none breaks nothing", async () => {
  const tab = await service.tab();
  const errors = errorsOf(tab);
  for (const api of ["http://[", "https://", "http://a b/", "::", " "]) {
    await tab.window.evaluate((window, api) => (window.api = api), api);
    await tab.window.evaluate((window) => window.replaceWith(window.cloneNode()));
    assert.equal(await tab.input.isVisible(), true, api);
  }
  await tab.window.evaluate((window) => (window.api = null));
  await tab.askAndWait("Here again");
  assert.equal(await tab.answerText(), "Here again");
  assert.deepEqual(errors, []);
  await tab.close();
});
