// The types of the window, `chat-window.d.ts`, name everything that its sources have.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { before, test } from "node:test";

const ROOT = new URL("../../", import.meta.url);
const read = (path) => readFile(new URL(path, ROOT), "utf8");

let types;
let script;
let style;
before(async () => {
  const folder = "chat-window/src";
  const names = (await readdir(new URL(folder, ROOT), { recursive: true })).filter((name) => name.endsWith(".js"));
  const sources = await Promise.all(names.map((name) => read(`${folder}/${name}`)));
  script = sources.join("\n");
  style = await read(`${folder}/style.css`);
  types = await read("web/chat-window.d.ts");
});

/** Returns all that a pattern captures, sorted. */
const all = (text, pattern) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();

/** Returns the text between two marks. */
function between(text, start, end) {
  const [, rest] = text.split(start);
  return rest.slice(0, rest.search(end));
}

/** Returns the names in backticks of a paragraph of the description at the top. */
const listed = (label) => all(between(types, ` * ${label}:`, /\n \*(?:\n|\/)/), /`([\w-]+)`/g);

test("the types declare every text", () => {
  const english = script.split("const ENGLISH = {").slice(1).map((text) => text.slice(0, text.search(/\n\};/)));
  const words = all(english.join("\n"), /^ {2}(\w+):/gm);
  assert.ok(words.length > 40);
  assert.deepEqual(all(between(types, "interface Strings {", /\n\}/), /^ {2}(\w+):/gm), words);
});

test("the types declare every event", () => {
  const events = all(script, /#dispatch\((?:isOpen \? "open" : )?"(\w+)"/g);
  assert.ok(events.length > 5);
  assert.deepEqual(all(types, /"al-chat:(\w+)": CustomEvent/g), [...events, "open"].sort());
});

test("the types declare every attribute that is a property", () => {
  const attributes = between(script, "const TEXT_ATTRIBUTES = ", /;/).match(/[a-z]+(?=[ "])/g).sort();
  assert.ok(attributes.length > 10);
  assert.deepEqual(all(types, /^ {2}(\w+): string \| null;/gm), attributes);
  const described = listed("Attributes");
  const observed = between(script, "observedAttributes =", /;/).match(/[a-z]+(?=[ "])/g);
  for (const name of [...attributes, ...observed]) assert.ok(described.includes(name), name);
});

test("the types describe every part", () => {
  const inScript = all(script, /\bpart: "([\w ]+)"/g).flatMap((parts) => parts.split(" "));
  const buttons = all(script, /iconButton\(\s*"(\w+)"/g);
  const parts = [...new Set([...inScript, ...buttons, "button"])].sort();
  assert.ok(parts.length > 20);
  assert.deepEqual(listed("Parts"), parts);
});

test("the types describe every CSS variable", () => {
  assert.deepEqual(listed("CSS variables").map((name) => `--${name.replace(/^--/, "")}`), all(style, /var\((--al-chat-[\w-]+)/g));
});
