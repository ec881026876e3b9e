// What the owner's guard says about an answer that it has cut off.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { answerWith } from "./answers.js";
import { startService } from "./service.js";

const SENTENCE = "We do not speak of <b>passwords</b> here.";

let guard, service;
before(async () => {
  guard = createServer(async (request, response) => {
    request.setEncoding("utf8");
    let body = "";
    for await (const piece of request) body += piece;
    const verdict = body.includes("secret") ? { verdict: "reject", message: SENTENCE } : { verdict: "pass" };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(verdict));
  });
  await new Promise((resolve) => guard.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${guard.address().port}/`;
  service = await startService({ GUARD_URL: address, GUARD_ANSWERS: "on" });
});
after(async () => {
  await service?.close();
  guard?.close();
});

test("an answer that the guard cuts off says why below it", async () => {
  const tab = await service.tab();
  service.model.when("Tell", (call) => (call.say("Tea is green. ", "The secret is 1234. ", "Bye."), call.done()));
  await tab.window.evaluate((window) => window.addEventListener("al-chat:answer", ({ detail }) => (globalThis.answer = detail)));
  await tab.askAndWait("Tell");
  await tab.reads("Tea is green.");
  const note = tab.page.locator(".answer .note");
  assert.deepEqual(await note.allTextContents(), [SENTENCE]);
  assert.equal(await tab.page.locator(".unseen[role=status]").textContent(), SENTENCE);
  const { notice, finishReason } = await tab.page.evaluate(() => globalThis.answer);
  assert.deepEqual([notice, finishReason], [SENTENCE, "content_filter"]);
  await tab.page.reload();
  assert.deepEqual(await note.allTextContents(), [SENTENCE], "after a reload");
  await tab.close();
});

test("an answer without a notice has none below it", async () => {
  for (const fields of [{}, { notice: null }, { notice: "" }]) {
    const tab = await service.tab();
    await answerWith(tab, fields);
    await tab.askAndWait("Which tea?");
    await tab.reads("Green tea.");
    assert.equal(await tab.page.locator(".answer .note").count(), 0, JSON.stringify(fields));
    await tab.close();
  }
});
