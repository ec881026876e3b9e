// The pages that an answer is based on: links below it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { answerWith } from "./answers.js";
import { PORTAL } from "./portal_page.js";
import { startService } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

const TEA = { title: "All <b>about</b> tea", url: "https://shop.example/tea?kind=green&cups=2" };
const HOURS = { title: "Opening hours", url: "http://shop.example/hours" };

/** Returns what the links below the last answer are. */
const links = (tab) =>
  tab.page.locator("[part=sources] a").evaluateAll((links) =>
    links.map((link) => ["textContent", "href", "rel", "target"].map((name) => link[name])));

const REL = "noopener noreferrer nofollow";
const SHOWN = [[TEA.title, TEA.url, REL, "_blank"], [HOURS.title, HOURS.url, REL, "_blank"]];

test("the sources of an answer are links below it", async () => {
  const tab = await service.tab();
  await answerWith(tab, { sources: [TEA, HOURS] });
  await tab.window.evaluate((window) => window.addEventListener("al-chat:answer", ({ detail }) => (globalThis.answer = detail)));
  await tab.askAndWait("Which tea?");
  assert.equal(await tab.page.getByRole("list", { name: "Sources" }).getByRole("link").count(), 2);
  assert.deepEqual(await links(tab), SHOWN);
  assert.deepEqual(await tab.page.evaluate(() => globalThis.answer.sources), [TEA, HOURS]);
  await tab.window.evaluate((window) => (window.strings = { sources: "Quellen" }));
  assert.equal(await tab.page.getByRole("list", { name: "Quellen" }).count(), 1);
  await tab.page.reload();
  assert.deepEqual(await links(tab), SHOWN, "after a reload");
  await tab.close();
});

test("a visitor of the portal finds the sources again", async () => {
  const hook = createServer((request, response) => {
    request.resume().on("end", () => response.end(JSON.stringify({ texts: [{ text: "Tea is hot.", ...TEA }] })));
  });
  await once(hook.listen(0, "127.0.0.1"), "listening");
  const portal = await startService({ CONTEXT_URL: `http://127.0.0.1:${hook.address().port}/` });
  try {
    const tab = await portal.tab({}, PORTAL);
    await tab.askAndWait("Which tea?");
    const other = await portal.tabIn(tab.page.context(), PORTAL);
    await other.page.locator("[part=sources] a").waitFor();
    assert.deepEqual(await links(other), [SHOWN[0]]);
    await tab.close();
  } finally {
    await portal.close();
    hook.close();
  }
});

test("links to sources open where those in answers do", async () => {
  const tab = await service.tab();
  await answerWith(tab, { sources: [TEA] });
  await tab.window.evaluate((window) => (window.target = "_top"));
  await tab.askAndWait("Which tea?");
  assert.deepEqual(await links(tab), [[TEA.title, TEA.url, REL, "_top"]]);
  await tab.close();
});

test("only sources on the web are links", async () => {
  const tab = await service.tab();
  const urls = ["javascript:alert(1)", "data:text/html,x", "mailto:a@shop.example", "/tea", "", null, 5, {}];
  const sources = [...urls.map((url) => ({ title: "No", url })), { url: TEA.url }, { title: 5, url: TEA.url }, "x", null];
  await answerWith(tab, { sources: [...sources, { title: "", url: HOURS.url }] });
  await tab.askAndWait("Which tea?");
  assert.deepEqual(await links(tab), [[HOURS.url, HOURS.url, REL, "_blank"]]);
  await tab.close();
});

test("an answer without sources has no list of them", async () => {
  for (const fields of [{}, { sources: [] }, { sources: null }, { sources: "https://shop.example" }]) {
    const tab = await service.tab();
    await answerWith(tab, fields);
    await tab.askAndWait("Which tea?");
    await tab.reads("Green tea.");
    assert.equal(await tab.page.locator("[part=sources]").count(), 0, JSON.stringify(fields));
    await tab.close();
  }
});
