// What a reader does with an answer survives the words that are added to it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAnswers } from "./answers.js";
import { gate } from "./model.js";

let service;
let tab;
let answers;
before(async () => {
  ({ service, tab, answers } = await startAnswers());
  await tab.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
});
after(() => service.close());

/** Shows the beginning of an answer, runs `act`, and shows the rest in pieces. */
async function between(beginning, pieces, act) {
  const rest = gate();
  const question = answers.whenAsked(async (call) => {
    call.say(beginning);
    await rest.opened;
    for (const piece of pieces) call.say(piece);
    call.done();
  });
  await tab.window.evaluate((window) => window.clear());
  await tab.ask(question);
  await tab.answer.locator("*").first().waitFor();
  const acted = await act();
  rest.open();
  await tab.isDone();
  return acted;
}

/** Selects a word of the answer by a double click. */
async function selectWord(word) {
  const box = await tab.answer.evaluate((body, word) => {
    const texts = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const at = texts.currentNode.data.indexOf(word);
      if (at < 0) continue;
      const range = new Range();
      range.setStart(texts.currentNode, at);
      range.setEnd(texts.currentNode, at + word.length);
      return range.getBoundingClientRect().toJSON();
    }
  }, word);
  await tab.page.mouse.dblclick(box.x + box.width / 2, box.y + box.height / 2);
}

async function copied() {
  await tab.page.keyboard.press("Control+c");
  return (await tab.page.evaluate(() => navigator.clipboard.readText())).trim();
}

test("a selected word stays selected in every kind of block", async () => {
  const cases = [
    ["The quick blue fox", [" runs", " **over", "** it.", "\n\nEnd."]],
    ["- first\n- the blue one", [" runs", "\n- third"]],
    ["| a | b |\n|---|---|\n| blue | x |\n", ["| 3 |", " 4 |\n", "\nend"]],
    ["```\nlet blue = 1;\n", ["let b", " = 2;\n", "```\nend"]],
    ["> a blue quote", [" that", " goes on\n> here"]],
    ["A **blue", [" mark** and", " *more*"]],
  ];
  for (const [beginning, pieces] of cases) {
    await between(beginning, pieces, () => selectWord("blue"));
    assert.equal(await copied(), "blue", beginning);
  }
});

/** Replaces the text in the events that end an answer. */
const replaceFinalText = (window, text) => {
  const { fetch } = globalThis;
  globalThis.fetch = async (...request) => {
    const response = await fetch(...request);
    if (!response.headers.get("content-type")?.includes("event-stream")) return response;
    const transform = (chunk, stream) => stream.enqueue(chunk.replace(/("message":")[^"]*/, `$1${text}`));
    const steps = [new TextDecoderStream(), new TransformStream({ transform }), new TextEncoderStream()];
    const body = steps.reduce((stream, step) => stream.pipeThrough(step), response.body);
    return new Response(body, response);
  };
};

test("a selection stays when the end replaces the text", async () => {
  await tab.window.evaluate(replaceFinalText, "A red fox and a blue bird **sit** here.");
  await between("A fox and a blue bird", [" sits"], () => selectWord("blue"));
  assert.equal(await tab.answerText(), "A red fox and a blue bird sit here.");
  assert.equal(await copied(), "blue");
  // The page's own `fetch` is back after this.
  await tab.page.reload();
});

test("focus and scroll position of code stay as it grows", async () => {
  const line = "x".repeat(400);
  const before = await between(`Code:\n\n\`\`\`\n${line}\n`, [line, "\n```\n", "\nend"], async () => {
    const pre = tab.answer.locator("pre");
    await pre.focus();
    return pre.evaluate((element) => ((element.scrollLeft = 90), (window.focused = element).scrollLeft));
  });
  const after = await tab.answer.locator("pre").evaluate((element) => {
    const isFocused = element.getRootNode().activeElement === element;
    return { isSame: element === window.focused, isFocused, left: element.scrollLeft };
  });
  assert.deepEqual(after, { isSame: true, isFocused: true, left: before });
});
