// The window's events and the page around it: shortcuts, Escape, scrolling, the clipboard, other documents.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startService, Tab, until } from "./service.js";
import { gate } from "./model.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

const WINDOW = `<div style="height: 500px"><al-chat-window></al-chat-window></div>`;

/** Opens a website's page with this body. */
async function visit(body, options = {}) {
  const script = `<script type="module" src="http://127.0.0.1:${service.port}/chat-window.js"></script>`;
  const site = await service.site({ "/": { body: `<!doctype html><title>Shop</title>${body}${script}` } });
  const context = await service.browser.newContext({ viewport: { width: 1000, height: 800 }, ...options });
  const tab = new Tab(await context.newPage());
  await tab.page.goto(`http://127.0.0.1:${site.port}/`);
  await tab.page.waitForFunction(() => customElements.get("al-chat-window"));
  return tab;
}

/** Notes events of these types that the page's listeners receive from now on, as `type key`. */
const note = (tab, ...types) =>
  tab.page.evaluate((types) => {
    window.noted = [];
    const receive = ({ type, key = "" }) => window.noted.push(`${type} ${key}`.trim());
    for (const type of types) {
      document.addEventListener(type, receive, true);
      for (const target of [document, window]) target.addEventListener(type, receive);
    }
  }, types);

/** Returns which events were noted, each once. */
const noted = (tab) => tab.page.evaluate(() => [...new Set(window.noted)]);

const KEYS = ["keydown", "keypress", "keyup"];

test("keys typed in the window reach no listener of the page", async () => {
  const tab = await visit(WINDOW);
  await note(tab, ...KEYS);
  await tab.input.click();
  await tab.page.keyboard.type("j/?");
  await tab.page.keyboard.press("Control+k");
  assert.equal(await tab.input.inputValue(), "j/?");
  await tab.page.keyboard.press("Enter");
  await tab.reads("j/?");
  await tab.page.locator(".log").focus();
  await tab.page.keyboard.press("x");
  assert.deepEqual(await noted(tab), []);
  await tab.close();
});

test("Tab, an unused Escape and keys on the launcher reach it", async () => {
  const tab = await visit(`${WINDOW}<al-chat-window id="b" mode="bubble"></al-chat-window>`);
  await note(tab, "keydown");
  await tab.input.first().click();
  await tab.page.keyboard.press("Escape");
  await tab.page.keyboard.press("Tab");
  await tab.page.getByRole("button", { name: "Open chat" }).focus();
  await tab.page.keyboard.press("q");
  assert.deepEqual(await noted(tab), ["keydown Escape", "keydown Tab", "keydown q"]);
  await tab.close();
});

test("keys in a page's closed shadow tree do not bubble to it", async () => {
  const tab = await visit(`<div id="card"></div>`);
  await tab.page.evaluate(() => {
    window.noted = [];
    const element = document.createElement("al-chat-window");
    document.querySelector("#card").attachShadow({ mode: "closed" }).append(element);
    document.addEventListener("keydown", ({ key }) => window.noted.push(key));
    element.shadowRoot.querySelector("textarea").focus();
    window.draft = () => element.shadowRoot.querySelector("textarea").value;
  });
  await tab.page.keyboard.type("gh");
  assert.equal(await tab.page.evaluate(() => window.draft()), "gh");
  await tab.page.keyboard.press("Enter");
  await until("the question", () => tab.page.evaluate(() => window.draft() === ""));
  assert.deepEqual(await noted(tab), []);
  await tab.close();
});

test("an Escape that the bubble used is the bubble's alone", async () => {
  const tab = await visit(`<al-chat-window mode="bubble"></al-chat-window>`);
  await note(tab, ...KEYS);
  await tab.page.getByRole("button", { name: "Open chat" }).click();
  await tab.page.keyboard.press("Escape");
  assert.equal(await tab.page.getByRole("dialog").count(), 0);
  assert.deepEqual(await noted(tab), []);
  await tab.page.keyboard.press("Escape");
  assert.deepEqual(await noted(tab), ["keydown Escape", "keyup Escape"]);
  await tab.close();
});

test("Escape stops an answer and closes the page's dialog later", async () => {
  const tab = await visit(`<dialog>${WINDOW}</dialog>`);
  await tab.page.evaluate(() => document.querySelector("dialog").showModal());
  const rest = gate();
  service.model.when("Go on", async (call) => (call.say("On and "), await rest.opened, call.done()));
  await tab.ask("Go on");
  await tab.reads("On and");
  const isOpen = () => tab.page.evaluate(() => document.querySelector("dialog").open);
  await tab.page.keyboard.press("Escape");
  await tab.isDone();
  assert.equal(await isOpen(), true);
  await tab.page.keyboard.press("Escape");
  await until("the closed dialog", async () => !(await isOpen()));
  rest.open();
  await tab.close();
});

test("Escape that ends a composition closes and stops nothing", async () => {
  const tab = await visit(`<al-chat-window mode="bubble"></al-chat-window>`);
  await note(tab, "keydown");
  await tab.page.getByRole("button", { name: "Open chat" }).click();
  for (const init of [{ isComposing: true }, { keyCode: 229 }]) {
    await tab.input.evaluate((input, init) => {
      const how = { key: "Escape", bubbles: true, composed: true, cancelable: true, ...init };
      input.dispatchEvent(new KeyboardEvent("keydown", how));
    }, init);
  }
  assert.equal(await tab.page.getByRole("dialog").count(), 1);
  assert.deepEqual(await noted(tab), []);
  await tab.close();
});

test("a page that cancels the wheel leaves the log scrolling", async () => {
  const tab = await visit(WINDOW);
  await tab.page.evaluate(() => {
    for (const target of [document, document.body]) {
      target.addEventListener("wheel", (event) => event.preventDefault(), { passive: false });
    }
  });
  service.model.when("Long", (call) => (call.say("line\n\n".repeat(80)), call.done()));
  await tab.askAndWait("Long");
  const log = tab.page.locator(".log");
  const top = () => log.evaluate((log) => log.scrollTop);
  await until("the end of the log", async () => (await top()) > 500);
  const before = await top();
  await log.hover();
  await tab.page.mouse.wheel(0, -200);
  await until("the scrolled log", async () => (await top()) < before - 100);
  await tab.close();
});

test("a page that takes or forbids the clipboard changes nothing", async () => {
  const tab = await visit(WINDOW, { permissions: ["clipboard-read", "clipboard-write"] });
  const { keyboard } = tab.page;
  await note(tab, "copy", "cut", "paste", "contextmenu", "selectstart", "drop", "dragover");
  await tab.page.evaluate(() => {
    for (const type of ["copy", "cut", "paste", "contextmenu", "selectstart"]) {
      document.addEventListener(type, (event) => event.preventDefault(), true);
    }
  });
  await tab.input.click();
  await keyboard.type("Moved text");
  await keyboard.press("Control+a");
  await keyboard.press("Control+c");
  await keyboard.press("Control+x");
  assert.equal(await tab.input.inputValue(), "");
  await keyboard.press("Control+v");
  await keyboard.press("Control+v");
  assert.equal(await tab.input.inputValue(), "Moved textMoved text");
  await tab.input.click({ button: "right" });
  assert.deepEqual(await noted(tab), []);
  await tab.close();
});

test("a file dropped on the window is not the page's", async () => {
  const tab = await visit(WINDOW);
  await note(tab, "dragenter", "dragover", "drop");
  await tab.page.locator(".log").evaluate((log) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["a"], "list.txt", { type: "text/plain" }));
    for (const type of ["dragenter", "dragover", "drop"]) {
      log.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, composed: true, cancelable: true }));
    }
  });
  await tab.page.locator("form .chips").getByText("list.txt").waitFor();
  assert.deepEqual(await noted(tab), []);
  await tab.close();
});

test("a page's dialog that holds the focus lets the bubble have it", async () => {
  const tab = await visit(`<div id="trap" tabindex="-1">Dialog</div><al-chat-window mode="bubble"></al-chat-window>`);
  await tab.page.evaluate(() => {
    const trap = document.querySelector("#trap");
    document.addEventListener("focusin", ({ target }) => trap.contains(target) || trap.focus());
  });
  await tab.page.getByRole("button", { name: "Open chat" }).click();
  await tab.page.keyboard.type("Still here");
  assert.equal(await tab.input.inputValue(), "Still here");
  await tab.close();
});

test("a window moved into a frame keeps its look and its keys", async () => {
  const tab = await visit(`<iframe style="width: 600px; height: 600px"></iframe>${WINDOW}`);
  const look = (input) => {
    const { borderTopWidth, resize, fontSize } = getComputedStyle(input);
    return { borderTopWidth, resize, fontSize };
  };
  const before = await tab.input.evaluate(look);
  await tab.page.evaluate(() => {
    document.querySelector("iframe").contentDocument.body.append(document.querySelector("al-chat-window"));
    window.noted = [];
    const { contentWindow } = document.querySelector("iframe");
    contentWindow.addEventListener("keydown", ({ key }) => window.noted.push(key));
  });
  const input = tab.page.frameLocator("iframe").locator("textarea");
  assert.deepEqual(await input.evaluate(look), before);
  await input.click();
  await tab.page.keyboard.type("In a frame");
  assert.equal(await input.inputValue(), "In a frame");
  await tab.page.keyboard.press("Enter");
  await tab.page.frameLocator("iframe").locator(".answer").getByText("In a frame").waitFor();
  assert.deepEqual(await noted(tab), []);
  await tab.close();
});
