// What a site offers in the window: properties set at any time, opening prompts, targets of links, a link to a person.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startService, Tab } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

/** Opens a page of another site with this body before the window's script. */
async function open(body) {
  const script = `http://127.0.0.1:${service.port}/chat-window.js`;
  const html = `<!doctype html><meta charset="utf-8"><title>Shop</title>${body}<script type="module" src="${script}"></script>`;
  const site = await service.site({ "/": { body: html } });
  const tab = new Tab(await service.browser.newPage());
  await tab.page.goto(`http://127.0.0.1:${site.port}/`);
  await tab.input.waitFor();
  return tab;
}

const button = (tab, name) => tab.page.getByRole("button", { name, exact: true });

test("properties set before the script count, then and later", async () => {
  const tab = await open(`<al-chat-window></al-chat-window><script>
    const early = { heading: "Conseil", placeholder: "Écrivez", theme: "dark", username: "zoe", contact: "/contact",
      strings: { send: "Envoyer" }, prompts: ["Bonjour ?"] };
    Object.assign(document.querySelector("al-chat-window"), early);
  </script>`);
  await button(tab, "Envoyer").waitFor();
  await button(tab, "Bonjour ?").waitFor();
  await tab.page.getByRole("heading", { name: "Conseil" }).waitFor();
  assert.equal(await tab.input.getAttribute("placeholder"), "Écrivez");
  assert.equal(await tab.window.getAttribute("theme"), "dark");
  await tab.window.evaluate((window) => Object.assign(window, { heading: "Aide", strings: { send: "Poster" } }));
  await button(tab, "Poster").waitFor();
  await tab.page.getByRole("heading", { name: "Aide" }).waitFor();
  await tab.askAndWait("Un");
  assert.equal((await service.log("chat")).at(-1).username, "zoe");
  await tab.page.close();
});

test("properties without a value restore the defaults", async () => {
  const tab = await open(`<al-chat-window heading="Mine" prompts="One"></al-chat-window>`);
  const clear = { heading: undefined, placeholder: null, strings: null, prompts: undefined, contact: null, target: null };
  await tab.window.evaluate((window, clear) => Object.assign(window, { strings: { send: "Go" } }, clear), clear);
  await tab.page.getByRole("heading", { name: "Chat" }).waitFor();
  await button(tab, "Send").waitFor();
  await button(tab, "One").waitFor();
  await tab.window.evaluate((window) => (window.heading = 42));
  await tab.page.getByRole("heading", { name: "42" }).waitFor();
  await tab.page.close();
});

test("prompts are offered while the conversation is empty", async () => {
  const tab = await open(`<al-chat-window prompts='["Opening hours?", " ", "Where are you?"]'></al-chat-window>`);
  const prompts = tab.page.locator("[part~=prompt]");
  assert.deepEqual(await prompts.allTextContents(), ["Opening hours?", "Where are you?"]);
  await tab.input.fill("My draft");
  await prompts.nth(1).click();
  await tab.isDone();
  await tab.reads("Where are you?");
  assert.equal(await prompts.first().isVisible(), false);
  assert.equal(await tab.input.inputValue(), "My draft");
  await tab.window.evaluate((window) => window.clear());
  assert.equal(await prompts.first().isVisible(), true);
  for (const lines of ["A?\nB?", "\n A? \n\nB?\n"]) {
    await tab.window.evaluate((window, lines) => window.setAttribute("prompts", lines), lines);
    assert.deepEqual(await prompts.allTextContents(), ["A?", "B?"]);
  }
  await tab.window.evaluate((window) => (window.prompts = ["<b>C</b>"]));
  assert.deepEqual(await prompts.allTextContents(), ["<b>C</b>"]);
  await tab.page.close();
});

test("links open where the attribute target says", async () => {
  const tab = await open(`<al-chat-window target="_top"></al-chat-window>`);
  const target = () => tab.answer.locator("a").getAttribute("target");
  await tab.askAndWait("See https://shop.example/a");
  assert.equal(await target(), "_top");
  await tab.window.evaluate((window) => (window.target = "_self"));
  assert.equal(await target(), "_self");
  await tab.window.evaluate((window) => (window.target = null));
  assert.equal(await target(), "_blank");
  await tab.page.close();
});

test("a link to a person is in the header and at failures", async () => {
  const tab = await open(`<al-chat-window contact="/people"></al-chat-window>`);
  service.model.when("Fail", (call) => call.refuse(400));
  const links = tab.page.getByRole("link", { name: "Talk to a person" });
  assert.equal(await links.count(), 1);
  await tab.askAndWait("Fail");
  assert.equal(await links.count(), 2);
  const addresses = await links.evaluateAll((all) => all.map(({ href }) => new URL(href).pathname));
  assert.deepEqual(addresses, ["/people", "/people"]);
  for (const contact of ["javascript:alert(1)", "data:text/html,a", "http://[", ""]) {
    await tab.window.evaluate((window, contact) => (window.contact = contact), contact);
    assert.equal(await links.count(), 0, contact);
  }
  await tab.window.evaluate((window) => (window.contact = "mailto:help@shop.example"));
  assert.equal(await links.first().getAttribute("href"), "mailto:help@shop.example");
  await tab.page.close();
});
