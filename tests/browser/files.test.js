// Files that the visitor attaches to a question.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

const problem = (tab) => tab.page.locator("form [role=alert]");
const chips = (tab) => tab.page.locator("form .chips li").allTextContents();
const file = (name, content, mimeType = "text/plain") => ({ name, mimeType, buffer: Buffer.from(content) });
const choose = (tab, ...files) => tab.page.locator("input[type=file]").setInputFiles(files);

test("each file that cannot be attached has its own reason", async () => {
  const tab = await service.tab();
  const png = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d];
  const utf32 = [0xff, 0xfe, 0, 0, 0x41, 0, 0, 0];
  await choose(
    tab,
    file("cat.png", png, "image/png"),
    file("paper.pdf", "%PDF-1.7\n1 0 obj", "application/octet-stream"),
    file("big.txt", Buffer.alloc((1 << 20) + 1, "a")),
    file("good.txt", "good"),
    file("nothing.txt", ""),
    file("wide.txt", utf32),
    file("greek.txt", Buffer.from("\xea\xe1\xeb\xe7\xec\xdd\xf1\xe1 \xea\xfc\xf3\xec\xe5 \xea\xe1\xeb", "latin1")),
  );
  await problem(tab).getByText("greek.txt").waitFor();
  assert.deepEqual((await problem(tab).textContent()).split(/(?<=\.) /), [
    "cat.png is empty or cannot be read as text.",
    "paper.pdf is empty or cannot be read as text.",
    "big.txt is larger than 1 MB.",
    "nothing.txt is empty or cannot be read as text.",
    "wide.txt is empty or cannot be read as text.",
    "greek.txt is empty or cannot be read as text.",
  ]);
  assert.deepEqual(await chips(tab), ["good.txt"]);
  await choose(tab, file("better.txt", "better"));
  await problem(tab).waitFor({ state: "hidden" });
  await tab.close();
});

test("too many files are reported together with other problems", async () => {
  const tab = await service.tab();
  const files = Array.from({ length: 12 }, (_, at) => file(`${at}.txt`, "x"));
  await choose(tab, file("none.txt", ""), ...files);
  await problem(tab).getByText("none.txt is empty or cannot be read as text. At most 10 files can be attached.").waitFor();
  assert.deepEqual(await chips(tab), files.slice(0, 10).map(({ name }) => name));
  await tab.close();
});

/** Text in encodings other than plain UTF-8, as bytes. */
const utf16 = (text, isBigEndian) => {
  const bytes = Buffer.from(text, "utf16le");
  return isBigEndian ? bytes.swap16() : bytes;
};
const ENCODED = {
  "UTF-8 with a mark": [Buffer.from("\ufeffnaïve"), "naïve"],
  "UTF-16 LE with a mark": [utf16("\ufeffPreis: 5 €\r\n"), "Preis: 5 €\r\n"],
  "UTF-16 BE with a mark": [utf16("\ufeffPreis: 5 €\r\n", true), "Preis: 5 €\r\n"],
  "UTF-16 LE without a mark": [utf16("Name;Größe\n"), "Name;Größe\n"],
  "UTF-16 BE without a mark": [utf16("Name;Größe\n", true), "Name;Größe\n"],
  "Japanese UTF-16 LE without a mark": [utf16("名前\n東京　一番\n"), "名前\n東京　一番\n"],
  "Japanese UTF-16 BE without a mark": [utf16("名前\n東京　一番\n", true), "名前\n東京　一番\n"],
  "Windows-1252": [Buffer.from("Ca\xf1\xf3n \x80", "latin1"), "Cañón €"],
  "UTF-8 with a broken byte": [Buffer.concat([Buffer.from("日本語のログ・ファイル"), Buffer.from([0xff])]), "日本語のログ・ファイル\ufffd"],
};
test("files are read in the encodings of text", async () => {
  const tab = await service.tab();
  const names = Object.keys(ENCODED);
  await choose(tab, ...names.map((name) => file(name, ENCODED[name][0])));
  await until("the chips", async () => (await chips(tab)).length === names.length);
  await tab.askAndWait("Encodings");
  const texts = names.map((name, at) => `[Attached file ${at + 1}: ${name}]\n\n${ENCODED[name][1]}\n\n---\n\n`);
  assert.equal(service.model.callsOf(`${texts.join("")}Encodings`).length, 1);
  await tab.close();
});

/** Holds the reading of files, or of one of them, until the returned function is called. */
async function holdReading(tab, name) {
  const release = await tab.page.evaluateHandle((held) => {
    const { arrayBuffer } = File.prototype;
    const { promise, resolve } = Promise.withResolvers();
    File.prototype.arrayBuffer = async function () {
      if (!held || this.name === held) await promise;
      return arrayBuffer.call(this);
    };
    return resolve;
  }, name);
  return () => release.evaluate((resolve) => resolve());
}

test("files stay in the order of choosing, names may repeat", async () => {
  const tab = await service.tab();
  const read = await holdReading(tab, "slow.txt");
  await choose(tab, file("slow.txt", "slow"), file("same.txt", "one"), file("same.txt", "two"));
  await choose(tab, file("later.txt", "later"), file("empty.txt", ""));
  await tab.input.fill("In order");
  await tab.input.press("Enter");
  assert.equal(await tab.page.locator(".turn").count(), 0, "sent before its files were read");
  await read();
  await problem(tab).getByText("empty.txt is empty or cannot be read as text.").waitFor();
  assert.deepEqual(await chips(tab), ["slow.txt", "same.txt", "same.txt", "later.txt"]);
  assert.equal(await tab.page.locator(".turn").count(), 0, "sent without a file that was chosen");
  await tab.page.getByRole("button", { name: "Remove same.txt" }).first().click();
  assert.deepEqual(await chips(tab), ["slow.txt", "same.txt", "later.txt"]);
  await tab.close();
});

test("a question is sent once its files are read", async () => {
  const tab = await service.tab();
  const read = await holdReading(tab);
  await choose(tab, file("slow.txt", "at last"));
  await tab.ask("Wait for it");
  await read();
  await tab.reads("[Attached file 1: slow.txt]at lastWait for it");
  await tab.close();
});

/** Puts these types and files into a paste or drop, and fires it at the element. */
async function give(tab, locator, type, { texts = {}, files = [] }) {
  const transfer = await tab.page.evaluateHandle(({ texts, files }) => {
    const transfer = new DataTransfer();
    for (const [type, text] of Object.entries(texts)) transfer.setData(type, text);
    for (const [name, content, type] of files) transfer.items.add(new File([content], name, { type }));
    return transfer;
  }, { texts, files });
  return locator.evaluate((element, { type, transfer }) => {
    const init = { bubbles: true, composed: true, cancelable: true };
    const isPaste = type === "paste";
    const event = isPaste ? new ClipboardEvent(type, { ...init, clipboardData: transfer }) : new DragEvent(type, { ...init, dataTransfer: transfer });
    return !element.dispatchEvent(event);
  }, { type, transfer });
}

test("a text that is copied with its picture is pasted as text", async () => {
  const tab = await service.tab();
  await tab.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await tab.page.evaluate(async () => {
    const canvas = new OffscreenCanvas(4, 4);
    canvas.getContext("2d").fillRect(0, 0, 2, 2);
    const png = await canvas.convertToBlob();
    const as = (type, text) => ({ [type]: new Blob([text], { type }) });
    const item = { ...as("text/plain", "Kaffee\t4,20"), ...as("text/html", "<table><td>Kaffee<td>4,20</table>"), "image/png": png };
    await navigator.clipboard.write([new ClipboardItem(item)]);
  });
  await tab.input.focus();
  await tab.page.keyboard.press("Control+v");
  await until("the text", async () => (await tab.input.inputValue()) === "Kaffee\t4,20");
  assert.deepEqual([await chips(tab), await problem(tab).isVisible()], [[], false]);
  await tab.close();
});

test("what is pasted is a text, files or refused by its kind", async () => {
  const tab = await service.tab();
  const log = tab.page.locator(".log");
  const paste = (at, given) => give(tab, at, "paste", given);
  const picture = ["image.png", "\x89PNG\0\0", "image/png"];
  assert.equal(await paste(tab.input, { texts: { "text/plain": "a\tb" }, files: [picture] }), false);
  assert.equal(await paste(tab.input, { texts: { "text/plain": "only text" } }), false);

  assert.equal(await paste(tab.input, { files: [picture] }), true);
  await problem(tab).getByText("image.png is empty or cannot be read as text.").waitFor();
  assert.equal(await paste(log, { texts: { "text/plain": "/home/me/image.png" }, files: [picture] }), true);
  assert.deepEqual(await chips(tab), []);

  const named = { texts: { "text/plain": "file:///home/me/my%20notes.md\nb.csv" }, files: [["my notes.md", "a"], ["b.csv", "b"]] };
  assert.equal(await paste(log, named), true);
  await until("the chips", async () => (await chips(tab)).join() === "my notes.md,b.csv");
  assert.equal(await tab.input.inputValue(), "");
  await tab.close();
});

test("files and folders are dropped on the window", async () => {
  const tab = await service.tab();
  const log = tab.page.locator(".log");
  const link = { texts: { "text/uri-list": "https://shop.example/x", "text/plain": "https://shop.example/x" } };
  for (const type of ["dragover", "drop"]) assert.equal(await give(tab, tab.input, type, link), false, "the browser inserts it");
  assert.equal(await tab.page.locator(".drop").isVisible(), false);

  const dir = await mkdtemp(join(tmpdir(), "dropped-"));
  await mkdir(join(dir, "photos"));
  await writeFile(join(dir, "list.txt"), "one");
  const { x, y } = await log.boundingBox();
  const devtools = await tab.page.context().newCDPSession(tab.page);
  const files = [join(dir, "photos"), join(dir, "list.txt")];
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    const data = { items: [], files, dragOperationsMask: 1 };
    await devtools.send("Input.dispatchDragEvent", { type, x: x + 20, y: y + 20, data });
  }
  await problem(tab).getByText("photos is empty or cannot be read as text.").waitFor();
  assert.deepEqual(await chips(tab), ["list.txt"]);
  await rm(dir, { recursive: true });
  await tab.close();
});

test("a file that vanished before it was read is reported", async () => {
  const tab = await service.tab();
  const dir = await mkdtemp(join(tmpdir(), "vanished-"));
  await writeFile(join(dir, "gone.txt"), "here");
  const read = await holdReading(tab);
  await tab.page.locator("input[type=file]").setInputFiles(join(dir, "gone.txt"));
  await rm(dir, { recursive: true });
  await read();
  await problem(tab).getByText("gone.txt is empty or cannot be read as text.").waitFor();
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

test("a file is removed by a click while an answer is written", async () => {
  const tab = await service.tab();
  const [next, last] = service.model.inParts("Talk", "One", ", two", ", three.");
  await tab.ask("Talk");
  await tab.reads("One");
  await tab.page.locator("input[type=file]").setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
  const remove = tab.page.getByRole("button", { name: "Remove a.txt" });
  const box = await remove.boundingBox();
  await tab.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await tab.page.mouse.down();
  next();
  await tab.reads("One, two");
  await tab.page.mouse.up();
  assert.equal(await remove.count(), 0);
  last();
  await tab.isDone();
  await tab.close();
});
