// The messages before a question that are sent with it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startService, until } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

const attach = async (tab, name, content) => {
  await tab.page.locator("input[type=file]").setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(content) });
  await until("the chip", () => tab.page.getByRole("button", { name: `Remove ${name}` }).isVisible());
};

/** Asks a question and returns its request. */
async function requestOf(tab, question) {
  const asked = tab.page.waitForRequest((request) => request.url().endsWith("/api/chat"));
  await tab.askAndWait(question);
  return asked;
}

/** Makes the model give an answer to a question whatever its files are. */
const answerShortly = (tab, text) => service.model.when(text, (call) => (call.say("Read."), call.done()));

for (const [script, character] of [["Latin", "a"], ["Chinese", "文"], ["quotation marks", '"']]) {
  test(`a long conversation fits into what a visitor may send: ${script}`, async () => {
    const tab = await service.tab();
    for (const turn of [1, 2, 3, 4, 5]) {
      const content = character.repeat(250_000 / Buffer.byteLength(JSON.stringify(character).slice(1, -1)));
      await attach(tab, `${turn}.txt`, content);
      answerShortly(tab, `[Attached file 1: ${turn}.txt]\n\n${content}\n\n---\n\nTurn ${turn}`);
      const request = await requestOf(tab, `Turn ${turn}`);
      assert.ok(request.postDataBuffer().length < 400 << 10, `${request.postDataBuffer().length} bytes`);
    }
    const { history } = (await requestOf(tab, "At last")).postDataJSON();
    assert.deepEqual(history.at(-1), { role: "assistant", content: "Read." });
    assert.equal(history.filter(({ content }) => content.length > 100).length, 1);
    assert.equal(history[0].content, "[Attached file 1: 1.txt]\n\n---\n\nTurn 1");
    await tab.close();
  });
}

test("a question with large files comes with the latest messages", async () => {
  const tab = await service.tab();
  await tab.askAndWait("My name is Ada.");
  const content = "x".repeat(900_000);
  await attach(tab, "large.txt", content);
  answerShortly(tab, `[Attached file 1: large.txt]\n\n${content}\n\n---\n\nWho wrote this?`);
  const { history } = (await requestOf(tab, "Who wrote this?")).postDataJSON();
  assert.equal(history[0].content, "My name is Ada.");
  await tab.close();
});

test("the reasoning of an answer isn't sent back", async () => {
  const tab = await service.tab();
  service.model.when("Two and two?", (call) => (call.say("<think>\nLet me see.\n</think>\n\nIt is 4."), call.done()));
  await tab.askAndWait("Two and two?");
  const { history } = (await requestOf(tab, "And three?")).postDataJSON();
  assert.deepEqual(history.map(({ content }) => content.trim()), ["Two and two?", "It is 4."]);
  await tab.close();
});
