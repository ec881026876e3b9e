// Files that the visitor attaches to a question.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { gate } from "./model.js";
import { startService, until } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

test("text files are attached by button, drop and paste", async () => {
  const tab = await service.tab();
  const picker = tab.page.locator("input[type=file]");
  await picker.setInputFiles([
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("eins\nzwei") },
    { name: "old.csv", mimeType: "text/csv", buffer: Buffer.from("Stra\xdfe;1", "latin1") },
  ]);
  await tab.page.getByRole("button", { name: "Remove notes.txt" }).waitFor();
  const dropped = await tab.page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["three"], "dropped.md"));
    return transfer;
  });
  const panel = tab.page.locator(".panel");
  await panel.dispatchEvent("dragover", { dataTransfer: dropped });
  assert.equal(await tab.page.locator(".drop").isVisible(), true);
  await panel.dispatchEvent("drop", { dataTransfer: dropped });
  await tab.page.getByRole("button", { name: "Remove dropped.md" }).waitFor();
  assert.equal(await tab.page.locator(".drop").isVisible(), false);
  await tab.page.getByRole("button", { name: "Remove old.csv" }).click();
  const isKept = await tab.input.evaluate((input) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File(["four"], "pasted.txt"));
    const options = { clipboardData, bubbles: true, composed: true, cancelable: true };
    return input.dispatchEvent(new ClipboardEvent("paste", options));
  });
  assert.equal(isKept, false, "what is pasted as a file isn't pasted as a text");
  await tab.page.getByRole("button", { name: "Remove pasted.txt" }).waitFor();
  const files = [["notes.txt", "eins\nzwei"], ["dropped.md", "three"], ["pasted.txt", "four"]];
  const attached = files.map(([name, text], at) => `[Attached file ${at + 1}: ${name}]\n\n${text}\n\n---\n\n`);
  const prompt = `${attached.join("")}Sum up`;
  service.model.when(prompt, (call) => (call.say("Done."), call.done()));
  await tab.askAndWait("Sum up");
  assert.equal(await tab.answerText(), "Done.");
  assert.deepEqual(await tab.page.locator(".question .chips li").allTextContents(), files.map(([name]) => name));
  await tab.askAndWait("Which is longer?");
  assert.equal(service.model.callsOf("Which is longer?")[0].messages[0].content, prompt);

  await picker.setInputFiles({ name: "old.csv", mimeType: "text/csv", buffer: Buffer.from("Stra\xdfe;1", "latin1") });
  await tab.page.getByRole("button", { name: "Remove old.csv" }).waitFor();
  await tab.send.click();
  await tab.isDone();
  const alone = "[Attached file 1: old.csv]\n\nStraße;1\n\n---\n\nPlease analyze the attached file.";
  assert.equal(service.model.callsOf(alone).length, 1);
  await tab.close();
});

test("files that cannot be sent are rejected with a message", async () => {
  const tab = await service.tab();
  const picker = tab.page.locator("input[type=file]");
  const complaint = tab.page.locator("form [role=alert]");
  const refused = async (files, words) => {
    await picker.setInputFiles(files);
    await complaint.getByText(words).waitFor();
  };
  const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]);
  await refused({ name: "cat.png", mimeType: "image/png", buffer: png }, "cat.png is not a text file.");
  const large = Buffer.alloc((1 << 20) + 1, "a");
  await refused({ name: "big.txt", mimeType: "text/plain", buffer: large }, "big.txt is larger than 1 MB.");
  const many = Array.from({ length: 11 }, (_, at) => ({ name: `${at}.txt`, mimeType: "text/plain", buffer: Buffer.from("x") }));
  await refused(many, "At most 10 files can be attached.");
  assert.equal(await tab.page.locator("form .chips li").count(), 10);
  await tab.close();
});

test("ten files of 1 MB are sent, and a reload resumes the answer", async () => {
  const tab = await service.tab();
  const content = "x\n".repeat(1 << 19);
  const files = Array.from({ length: 10 }, (_, at) => ({ name: `${at}.txt`, mimeType: "text/plain", buffer: Buffer.from(content) }));
  const prompt = files.map((file, at) => `[Attached file ${at + 1}: ${file.name}]\n\n${content}\n\n---\n\n`).join("") + "All";
  const rest = gate();
  service.model.when(prompt, async (call) => {
    call.say("So ");
    await rest.opened;
    call.say("much.");
    call.done();
  });
  await tab.page.locator("input[type=file]").setInputFiles(files);
  await until("ten chips", async () => (await tab.page.locator("form .chips li").count()) === 10);
  await tab.ask("All");
  await tab.reads("So ");
  await tab.page.reload();
  rest.open();
  await tab.reads("So much.");
  assert.equal(service.model.callsOf(prompt).length, 1);
  await tab.close();
});
