// What reasoning models write before their answer is folded.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAnswers } from "./answers.js";
import { gate } from "./model.js";

let service;
let tab;
let answers;
before(async () => ({ service, tab, answers } = await startAnswers()));
after(() => service.close());

const seen = () => tab.answer.innerText();
const reasoning = () => tab.answer.locator("details");

test("reasoning is folded away", async () => {
  const texts = [
    "<think>\nLet me *see*.\n\nYes.\n</think>\n\nIt is **4**.",
    "<thinking>Let me see.</thinking> It is 4.",
    "Let me see.\n</think>\n\nIt is 4.",
    "Let me see.</think>It is 4.",
    "\n<think> `</think>` is an end. </think> It is 4.",
  ];
  for (const text of texts) {
    for (const size of [text.length, 1, 4]) {
      await answers.show(text, size);
      assert.match(await seen(), /^Reasoning\s+It is 4\.$/, text);
      assert.equal(await reasoning().count(), 1, text);
    }
  }
});

test("tags within a sentence or code stay", async () => {
  const texts = ["Models write <think> and </think> around it.", "Use `<think>` first.", "```\n<think>\na\n</think>\n```\nend"];
  for (const text of texts) {
    await answers.show(text);
    assert.match(await seen(), /think>/, text);
    assert.equal(await reasoning().count(), 0, text);
  }
});

test("an empty reasoning isn't shown", async () => {
  await answers.show("<think>\n\n</think>\n\nIt is 4.");
  assert.equal(await seen(), "It is 4.");
});

test("unfolded reasoning stays unfolded as it grows", async () => {
  const [more, end] = [gate(), gate()];
  const question = answers.whenAsked(async (call) => {
    call.say("<thi", "nk>One");
    await more.opened;
    call.say(" two", "</thi");
    await end.opened;
    call.say("nk>Done.");
    call.done();
  });
  await tab.window.evaluate((window) => window.clear());
  await tab.ask(question);
  await tab.answer.getByText("Reasoning").click();
  await tab.answer.getByText("One", { exact: true }).waitFor();
  more.open();
  await tab.answer.getByText("One two", { exact: true }).waitFor();
  assert.doesNotMatch(await seen(), /</);
  end.open();
  await tab.isDone();
  assert.match(await seen(), /^Reasoning\s+One two\s+Done\.$/);
});
