// The bubble: its place on the page, the full-screen dialog of phones, the focus, unread answers, the link to a person.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { accessibilityViolations, screenshot } from "./page_checks.js";
import { startService, Tab, until } from "./service.js";
import { gate } from "./model.js";

let service;
before(async () => (service = await startService()));
after(() => service.close());

const BUBBLE = `<al-chat-window mode="bubble"></al-chat-window>`;
const PHONE = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true };

/** Opens a website's page with this body, and the same at `/next`. */
async function visit(body, options = {}, before) {
  const script = `<script type="module" src="http://127.0.0.1:${service.port}/chat-window.js"></script>`;
  const head = `<title>Shop</title><meta name="viewport" content="width=device-width">`;
  const page = { body: `<!doctype html><html lang="en">${head}<main>${body}</main>${script}` };
  const site = await service.site({ "/": page, "/next": page });
  const context = await service.browser.newContext({ viewport: { width: 1000, height: 800 }, ...options });
  if (before) await context.addInitScript(before);
  const tab = new Tab(await context.newPage());
  await tab.page.goto(`http://127.0.0.1:${site.port}/`);
  await tab.page.waitForFunction(() => customElements.get("al-chat-window"));
  return Object.assign(tab, {
    launcher: tab.page.getByRole("button", { name: /^Open chat/ }),
    dialog: tab.page.getByRole("dialog", { name: "Chat" }),
  });
}

/** Returns the name of what has the focus in the window. */
const focused = (tab) => tab.window.evaluate(({ shadowRoot: { activeElement: it } }) => it?.ariaLabel ?? it?.localName);

/** Asks by the button: on a phone Enter makes a new line. */
async function askByButton(tab, text) {
  await tab.input.fill(text);
  await tab.send.click();
  await tab.reads(text);
  await tab.isDone();
}

/** Asserts that a box is the lower right corner of the screen. */
function assertCorner({ x, y, width, height }, screen = { width: 1000, height: 800 }) {
  for (const gap of [screen.width - x - width, screen.height - y - height]) assert.ok(gap >= 0 && gap < 40, String(gap));
}

test("a bubble opens and closes by keyboard and keeps the focus", async () => {
  const tab = await visit(BUBBLE);
  assert.equal(await tab.dialog.count(), 0);
  await tab.launcher.focus();
  await tab.page.keyboard.press("Enter");
  await tab.dialog.waitFor();
  await tab.page.keyboard.type("Typed at once");
  await tab.page.keyboard.press("Enter");
  await tab.reads("Typed at once");
  await tab.isDone();
  await tab.page.keyboard.press("Escape");
  assert.equal(await tab.dialog.count(), 0);
  assert.equal(await focused(tab), "Open chat");
  await tab.close();
});

const BOXES = {
  "a transformed box": "transform: translateX(0); overflow: hidden",
  "a filtered box": "filter: blur(0); overflow: hidden",
  "a contained box": "contain: strict",
  "a box below others": "position: relative; z-index: -1; will-change: transform; overflow: clip",
};
for (const [name, style] of Object.entries(BOXES)) {
  test(`a bubble is in the corner of the screen from ${name}`, async () => {
    const tab = await visit(`<div style="width: 300px; height: 200px; ${style}">A card ${BUBBLE}</div>`);
    assertCorner(await tab.launcher.boundingBox());
    await tab.launcher.click();
    const box = await tab.dialog.boundingBox();
    assertCorner(box);
    assert.ok(box.width > 300 && box.height > 500, JSON.stringify(box));
    await tab.askAndWait("From a box");
    await tab.close();
  });
}

test("without popovers a bubble still opens in the corner", async () => {
  const tab = await visit(BUBBLE, {}, () => {
    for (const name of ["popover", "togglePopover", "showPopover", "hidePopover"]) delete HTMLElement.prototype[name];
  });
  assertCorner(await tab.launcher.boundingBox());
  await tab.launcher.click();
  assertCorner(await tab.dialog.boundingBox());
  await tab.close();
});

test("a site's place for the bubble holds, also right to left", async () => {
  const tab = await visit(`<div dir="rtl"><al-chat-window mode="bubble" style="bottom: 90px"></al-chat-window></div>`);
  const { x, y, height } = await tab.launcher.boundingBox();
  assert.ok(x < 40, String(x));
  assert.equal(Math.round(800 - y - height), 90);
  await tab.close();
});

test("a hidden bubble shows nothing, and shows again", async () => {
  const tab = await visit(BUBBLE);
  await tab.window.evaluate((window) => (window.hidden = true));
  assert.equal(await tab.launcher.isVisible(), false);
  await tab.window.evaluate((window) => (window.hidden = false));
  await tab.launcher.click();
  await tab.dialog.waitFor();
  await tab.close();
});

test("a bubble becomes an inline window and a bubble again", async () => {
  const tab = await visit(BUBBLE);
  await tab.launcher.click();
  await tab.window.evaluate((window) => (window.mode = "inline"));
  assert.equal(await tab.page.getByRole("region", { name: "Chat" }).count(), 1);
  assert.equal(await tab.dialog.count(), 0);
  await tab.askAndWait("Inline");
  await tab.window.evaluate((window) => (window.mode = "bubble"));
  await tab.dialog.waitFor();
  assertCorner(await tab.dialog.boundingBox());
  await tab.close();
});

test("on a phone Tab stays in the open bubble", async () => {
  const tab = await visit(`<a id="first" href="#a">First</a>${BUBBLE}<a id="last" href="#b">Last</a>`, PHONE);
  await tab.launcher.tap();
  const { width, height } = await tab.dialog.boundingBox();
  assert.deepEqual([width, height], [390, 780]);
  const active = () => tab.page.evaluate(() => document.activeElement.id);
  for (let stop = 0; stop < 10; stop++) {
    await tab.page.keyboard.press(stop < 5 ? "Tab" : "Shift+Tab");
    assert.equal(await active(), "");
  }
  await tab.page.getByRole("button", { name: "Close chat" }).tap();
  assert.equal(await focused(tab), "Open chat");
  await tab.page.keyboard.press("Tab");
  assert.equal(await active(), "last");
  await tab.close();
});

test("on a phone the back button closes the bubble", async () => {
  const tab = await visit(BUBBLE, PHONE);
  await tab.launcher.tap();
  await tab.dialog.evaluate((dialog) => dialog.requestClose());
  await tab.launcher.waitFor();
  assert.equal(await focused(tab), "Open chat");
  await tab.launcher.tap();
  await tab.dialog.waitFor();
  await tab.close();
});

test("an open bubble follows the rotation of the screen", async () => {
  const tab = await visit(`<button>Page</button>${BUBBLE}`, PHONE);
  await tab.launcher.tap();
  await tab.input.fill("Half a quest");
  const isModal = () => tab.dialog.evaluate((dialog) => dialog.matches(":modal"));
  for (const [width, height] of [[780, 390], [390, 780]]) {
    await tab.page.setViewportSize({ width, height });
    await until("the other kind of dialog", async () => (await isModal()) === width < 480);
    assert.equal(await focused(tab), "Write a message");
    const box = await tab.dialog.boundingBox();
    assert.ok(box.y >= 0 && box.y + box.height <= height, JSON.stringify(box));
  }
  await tab.page.keyboard.type("ion");
  assert.equal(await tab.input.inputValue(), "Half a question");
  await tab.close();
});

test("header and text field stay beside an on-screen keyboard", async () => {
  const tab = await visit(`<p style="height: 3000px">Long page</p>${BUBBLE}`, PHONE);
  await tab.launcher.tap();
  await tab.page.evaluate(() => {
    for (const [name, value] of [["height", 420], ["offsetTop", 130]]) {
      Object.defineProperty(visualViewport, name, { value });
    }
    visualViewport.dispatchEvent(new Event("resize"));
    visualViewport.dispatchEvent(new Event("scroll"));
  });
  const header = await tab.page.locator("header").boundingBox();
  const input = await tab.input.boundingBox();
  await screenshot(tab.page, "bubble-keyboard");
  assert.ok(header.y >= 130, JSON.stringify(header));
  assert.ok(input.y + input.height <= 550 && input.y > 400, JSON.stringify(input));
  await tab.close();
});

test("answers that come while the bubble is closed are counted", async () => {
  const tab = await visit(BUBBLE);
  const badge = tab.page.locator("[part~=unread]");
  assert.equal(await badge.isVisible(), false);
  const rest = gate();
  service.model.when("Later", async (call) => (await rest.opened, call.say("Now"), call.done()));
  await tab.launcher.click();
  await tab.ask("Later");
  await tab.page.keyboard.press("Tab");
  await tab.page.getByRole("button", { name: "Close chat" }).click();
  rest.open();
  await tab.page.getByRole("button", { name: "Open chat, 1 new" }).waitFor();
  assert.equal(await badge.textContent(), "1");
  await screenshot(tab.page, "bubble-unread");
  service.model.when("Fails", (call) => call.refuse(500));
  await tab.window.evaluate((window) => window.send("Fails"));
  await tab.window.evaluate((window) => (window.strings = { unread: "{count} neu", open: "Chat" }));
  await tab.page.getByRole("button", { name: "Chat, 2 neu" }).click();
  await tab.page.getByRole("button", { name: "Close chat" }).click();
  assert.equal(await badge.isVisible(), false);
  await tab.close();
});

test("a bubble is open on the next page if the visitor left it open", async () => {
  const tab = await visit(`<input id="name" autofocus>${BUBBLE}`);
  const goTo = (path) => tab.page.goto(new URL(path, tab.page.url()).href);
  await tab.launcher.click();
  await tab.askAndWait("Stay open");
  await goTo("/next");
  await tab.reads("Stay open");
  assert.equal(await tab.dialog.isVisible(), true);
  assert.equal(await tab.page.evaluate(() => document.activeElement.id), "name");
  await tab.page.getByRole("button", { name: "Close chat" }).click();
  await goTo("/");
  await tab.launcher.waitFor();
  assert.equal(await tab.dialog.count(), 0);
  await tab.close();
});

test("on a phone the next page is not covered by the bubble", async () => {
  const tab = await visit(BUBBLE, PHONE);
  await tab.launcher.tap();
  await askByButton(tab, "On the phone");
  await tab.page.goto(new URL("/next", tab.page.url()).href);
  await tab.launcher.tap();
  await tab.reads("On the phone");
  await tab.close();
});

test("an open bubble that is moved stays open", async () => {
  for (const options of [{}, PHONE]) {
    const tab = await visit(`<div id="a">${BUBBLE}</div><div id="b"></div>`, options);
    await tab.launcher.click();
    await tab.page.evaluate(() => document.querySelector("#b").append(document.querySelector("al-chat-window")));
    await tab.dialog.waitFor();
    assert.equal(await tab.dialog.evaluate((dialog) => dialog.matches(":modal")), options === PHONE);
    await askByButton(tab, "After the move");
    await tab.close();
  }
});

test("a bubble in a page's dialog or popover works above it", async () => {
  const style = `style="width: 100vw; height: 100vh; max-width: none; max-height: none; inset: 0"`;
  const boxes = [["dialog", `<dialog ${style}>${BUBBLE}</dialog>`], ["div", `<div popover ${style}>${BUBBLE}</div>`]];
  for (const [name, body] of boxes) {
    const tab = await visit(body);
    assert.equal(await tab.launcher.isVisible(), false);
    await tab.page.evaluate((name) => {
      const box = document.querySelector(`main > ${name}`);
      if (name === "dialog") box.showModal();
      else box.showPopover();
    }, name);
    await tab.launcher.click();
    await tab.askAndWait("Above");
    assert.equal(await tab.answerText(), "Above");
    await tab.close();
  }
});

test("the site closes a bubble without moving the page's focus", async () => {
  const tab = await visit(`<input id="name">${BUBBLE}`);
  await tab.launcher.click();
  await tab.page.locator("#name").focus();
  await tab.window.evaluate((window) => window.close());
  await tab.page.keyboard.type("Ada");
  assert.equal(await tab.page.locator("#name").inputValue(), "Ada");
  await tab.close();
});

test("a bubble has no accessibility violations", async () => {
  for (const options of [{}, PHONE]) {
    const tab = await visit(`<h1>Shop</h1><al-chat-window mode="bubble" contact="/people"></al-chat-window>`, options);
    assert.deepEqual(await accessibilityViolations(tab.page), []);
    await tab.launcher.click();
    await askByButton(tab, "Hello");
    assert.deepEqual(await accessibilityViolations(tab.page), []);
    await tab.page.getByRole("button", { name: "Close chat" }).click();
    await tab.window.evaluate((window) => window.send("While closed"));
    await tab.page.getByRole("button", { name: "Open chat, 1 new" }).waitFor();
    assert.deepEqual(await accessibilityViolations(tab.page), []);
    await tab.close();
  }
});

test("the header links to a person", async () => {
  const tab = await visit(`<al-chat-window contact="mailto:help@shop.example"></al-chat-window>`);
  const link = tab.page.locator("header [part~=contact]");
  assert.equal(await tab.page.getByRole("link", { name: "Talk to a person" }).getAttribute("href"), "mailto:help@shop.example");
  const href = async (contact) => {
    await tab.window.evaluate((window, contact) => (window.contact = contact), contact);
    return (await link.count()) ? link.evaluate(({ href }) => href) : null;
  };
  const { origin } = new URL(tab.page.url());
  assert.equal(await href("people?topic=chat"), `${origin}/people?topic=chat`);
  assert.equal(await href("tel:+1234"), "tel:+1234");
  assert.equal(await href("sms:+1234"), "sms:+1234");
  for (const bad of ["javascript:alert(1)", " java\tscript:alert(1)", "data:text/html,x", "https://", "", null]) {
    assert.equal(await href(bad), null, String(bad));
  }
  await tab.close();
});
