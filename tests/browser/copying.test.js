// What is copied from the window and announced of it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { gate } from "./model.js";
import { startService, Tab, until } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

const ANSWER = "Use **both**:\n\n```sh\nls -l\n```\n\n- one\n- two";

/** Opens the demo page under a host name, where it is no secure context. */
async function insecureTab() {
  const tab = new Tab(await service.browser.newPage());
  await tab.page.goto(`http://chat.example:${service.port}/embed-demo`);
  assert.equal(await tab.page.evaluate(() => "clipboard" in navigator), false);
  return tab;
}

/** Returns the text of the clipboard, by pasting it into the text field. */
async function pasted(tab) {
  await tab.input.fill("");
  await tab.input.press("Control+v");
  return tab.input.inputValue();
}

const copyButton = (tab, name) => tab.window.getByRole("button", { name, exact: true }).last();

test("code and answers are copied on a site without https", async () => {
  const tab = await insecureTab();
  service.model.when("Both", (call) => (call.say("<think>Hm.</think>\n\n", ANSWER), call.done()));
  await tab.askAndWait("Both");
  for (const [name, text] of [["Copy", "ls -l"], ["Copy answer", ANSWER]]) {
    await copyButton(tab, name).click();
    await tab.page.getByText("Copied").first().waitFor();
    assert.equal((await pasted(tab)).trim(), text, name);
  }
  await tab.page.close();
});

test("an answer can be copied once it is complete", async () => {
  const tab = await service.tab();
  await tab.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const rest = gate();
  service.model.when("Slow", async (call) => {
    call.say("Begun");
    await rest.opened;
    call.say(" and *done*.");
    call.done();
  });
  await tab.ask("Slow");
  await tab.reads("Begun");
  assert.equal(await copyButton(tab, "Copy answer").count(), 0);
  rest.open();
  await tab.isDone();
  await copyButton(tab, "Copy answer").press("Enter");
  await until("the copy", async () => (await tab.page.evaluate(() => navigator.clipboard.readText())) === "Begun and *done*.");
  await tab.close();
});

test("what can't be copied is selected", async () => {
  const tab = await service.tab();
  await tab.askAndWait("Take this");
  await tab.page.evaluate(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error("forbidden"));
    document.execCommand = () => false;
  });
  await copyButton(tab, "Copy answer").click();
  await until("the selection", async () => (await tab.page.evaluate(() => String(getSelection()))) === "Take this");
  await tab.close();
});

test("a selection of all has each text once, and no labels", async () => {
  const tab = await insecureTab();
  service.model.when("All", (call) => (call.say("A first sentence. A second one.\n\n```\nx = 1\n```"), call.done()));
  await tab.askAndWait("All");
  await tab.page.locator(".log").click({ position: { x: 5, y: 5 } });
  await tab.page.keyboard.press("Control+a");
  await tab.page.keyboard.press("Control+c");
  const text = await pasted(tab);
  assert.equal(text.split("A second one.").length, 2, text);
  assert.doesNotMatch(text, /Assistant:|Copy|You:/);
  await tab.page.close();
});

test("screen readers are told the words that are seen", async () => {
  const tab = await service.tab();
  const text = `<think>Secret thoughts.</think>\n\nRun **my_file_name** in C#, see [the page](https://shop.example/x?a=b_c).

| Tea | 3 * 4 |
|---|---|
| a | b |

\`\`\`js
let a = 1;
\`\`\``;
  service.model.when("Say", (call) => (call.say(text), call.done()));
  await tab.askAndWait("Say");
  const heard = await tab.page.locator("[aria-live=polite]").textContent();
  for (const seen of ["my_file_name in C#", "the page.", "3 * 4", "let a = 1;"]) assert.ok(heard.includes(seen), `${seen} in ${heard}`);
  assert.doesNotMatch(heard, /\*\*|\]\(|`|Secret|Copy|---/);
  await tab.close();
});

test("sentences end at Chinese and Japanese marks, too", async () => {
  const tab = await service.tab();
  const sentence = `${"这是一个足够长的句子".repeat(9)}。`;
  const rest = gate();
  service.model.when("说", async (call) => {
    call.say(sentence, "后面");
    await rest.opened;
    call.done("length");
  });
  await tab.ask("说");
  const live = tab.page.locator("[aria-live=polite]");
  await until("the sentence", async () => (await live.textContent()) === sentence);
  rest.open();
  await tab.isDone();
  assert.equal(await live.textContent(), `${sentence}后面`);
  assert.equal(await tab.page.locator(".panel > [role=status]").textContent(), "The answer reached its length limit.");
  await tab.close();
});
