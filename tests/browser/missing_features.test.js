// The window in browsers that lack something: it is taken away before the script comes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startService, Tab } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

const MISSING = {
  "URL.canParse": () => delete URL.canParse,
  "crypto.randomUUID": () => delete Crypto.prototype.randomUUID,
  "navigator.clipboard": () => delete Navigator.prototype.clipboard,
  "popovers": () => delete HTMLElement.prototype.showPopover,
  "the visual viewport": () => Object.defineProperty(window, "visualViewport", { value: null }),
  "sessionStorage": () => Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("denied", "SecurityError"); } }),
  "a sessionStorage that is not null": () => Object.defineProperty(window, "sessionStorage", { value: null }),
  "room in sessionStorage": () => (Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); }),
};

for (const [name, takeAway] of Object.entries(MISSING)) {
  test(`the window works without ${name}`, async () => {
    const tab = new Tab(await service.browser.newPage());
    const errors = [];
    tab.page.on("pageerror", (error) => errors.push(String(error)));
    await tab.page.addInitScript(takeAway);
    await tab.page.goto(`http://127.0.0.1:${service.port}/embed-demo`);
    await tab.askAndWait("See https://shop.example/a and **this**");
    assert.equal(await tab.answerText(), "See https://shop.example/a and this");
    assert.equal(await tab.answer.locator("a").getAttribute("href"), "https://shop.example/a");
    await tab.window.evaluate((window) => ((window.mode = "bubble"), window.open()));
    await tab.askAndWait("Once more");
    await tab.page.getByRole("button", { name: "Close chat" }).click();
    await tab.page.getByRole("button", { name: "Open chat" }).click();
    // As a page does that replaces its elements.
    await tab.window.evaluate((window) => window.replaceWith(window.cloneNode()));
    await tab.reads("Once more");
    await tab.page.goto("about:blank");
    assert.deepEqual(errors, []);
    await tab.page.close();
  });
}
