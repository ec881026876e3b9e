// Amaya's portal as a page: her status and mood, the layout, movement, keyboard and screen readers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { gate } from "./model.js";
import { accessibilityViolations, layoutShifts, screenshot, SCREENS } from "./page_checks.js";
import { becomeVisible, greeting, mood, PORTAL, shown, shows } from "./portal_page.js";
import { startService, until } from "./service.js";

const SIZES = {
  phone: { ...SCREENS.phone, viewport: { width: 390, height: 844 } },
  desktop: { viewport: { width: 1280, height: 800 } },
};

let service;
let demo;
before(async () => {
  service = await startService();
  demo = await startService({ OPENAI_API_KEY: undefined, OPENAI_BASE_URL: undefined, PAPITA_API_URL: undefined });
});
after(() => Promise.all([service?.close(), demo?.close()]));

test("without a key the built-in responder answers and is named", async () => {
  const tab = await demo.tab({}, PORTAL);
  const status = tab.page.getByRole("button", { name: "demo mode" });
  await status.click();
  await tab.page.getByText("no language model is connected here").waitFor();
  await tab.page.keyboard.press("Escape");
  await tab.page.getByRole("button", { name: "Tell me a joke!" }).click();
  await until("a joke", async () => (await tab.answerText())?.length > 20);
  await tab.isDone();
  assert.deepEqual((await shown(tab))[0], "Tell me a joke!");
  await tab.close();
});

test("an unreachable server is shown as offline", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.page.route("**/api_status", (route) => route.abort());
  await tab.page.reload();
  await tab.page.getByRole("button", { name: "away" }).waitFor();
  await tab.close();
});

test("requests stay in the origin and satisfy the policy", async () => {
  const tab = await service.tab({}, PORTAL);
  const complaints = [];
  tab.page.on("console", (message) => complaints.push(message.text()));
  tab.page.on("pageerror", (error) => complaints.push(String(error)));
  const requests = tab.requests();
  await tab.page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => violations.push(violatedDirective));
  });
  await tab.page.reload();
  await tab.askAndWait("Hello [there](https://elsewhere.example) ![or there](https://elsewhere.example/a.png)");
  await tab.page.getByRole("button", { name: "online" }).click();
  assert.deepEqual(await tab.page.evaluate(() => violations), []);
  assert.deepEqual(complaints, []);
  const origins = new Set(requests.map((request) => new URL(request.url()).origin));
  assert.deepEqual([...origins], [`http://127.0.0.1:${service.line.port}`]);
  await tab.close();
});

for (const [size, options] of Object.entries(SIZES)) {
  test(`no layout shift with or without a conversation: ${size}`, async () => {
    const tab = await service.tab(options, PORTAL);
    await greeting(tab).getByText("Hey you").waitFor();
    await tab.page.getByRole("button", { name: "online" }).waitFor();
    assert.deepEqual(await layoutShifts(tab.page), []);
    await tab.askAndWait("One");
    for (const again of [tab, await service.tabIn(tab.page.context(), PORTAL)]) {
      if (again === tab) await tab.page.reload();
      await greeting(again).getByText("Hey you").waitFor();
      await shows(again, "One", "One");
      await again.page.getByRole("button", { name: "online" }).waitFor();
      assert.deepEqual(await layoutShifts(again.page), []);
    }
    await tab.close();
  });

  test(`no accessibility violations at its own size: ${size}`, async () => {
    const tab = await service.tab(options, PORTAL);
    const check = async (state) => {
      assert.deepEqual(await accessibilityViolations(tab.page), [], state);
      await screenshot(tab.page, `portal-${size}-${state}`);
    };
    await tab.page.getByRole("button", { name: "online" }).waitFor();
    await greeting(tab).getByText("Hey you").waitFor();
    await check("empty");
    service.model.when("Nothing yet", () => {});
    await tab.ask("Nothing yet");
    await tab.page.locator(".dots").waitFor();
    await check("thinking");
    await tab.stop.click();
    service.model.when("Oh no", (call) => call.refuse(500));
    await tab.askAndWait("Oh no");
    await check("sorry");
    await tab.askAndWait("Would you *count the stars* with me tonight?");
    await check("happy");
    await tab.page.getByRole("button", { name: "online" }).click();
    await check("status");
    const fits = () => document.documentElement.scrollWidth <= innerWidth && document.body.scrollHeight <= innerHeight;
    assert.equal(await tab.page.evaluate(fits), true);
    await tab.close();
  });
}

test("the chat is visible beside a phone's keyboard", async () => {
  const tab = await service.tab({ ...SIZES.phone, viewport: { width: 390, height: 400 } }, PORTAL);
  await greeting(tab).getByText("Hey you").waitFor();
  await tab.input.tap();
  const { y, height } = await tab.input.boundingBox();
  assert.ok(y + height <= 400);
  assert.ok((await tab.page.locator(".log").boundingBox()).height > 150);
  assert.equal(await tab.page.locator(".about").isVisible(), true);
  assert.equal(await tab.page.locator(".suggestions").isVisible(), false);
  await screenshot(tab.page, "portal-phone-keyboard");
  await tab.close();
});

test("without scripts the page shows what it needs", async () => {
  const tab = await service.tab({ javaScriptEnabled: false }, PORTAL);
  await tab.page.locator("noscript p").waitFor();
  await tab.page.getByRole("heading", { name: "Amaya" }).waitFor();
  assert.equal(await tab.page.getByRole("button").count(), 0);
  await tab.close();
});

test("reduced motion stops animations in every mood", async () => {
  const tab = await service.tab({ reducedMotion: "reduce" }, PORTAL);
  const moving = () =>
    tab.window.evaluate((window) => document.getAnimations().length + window.shadowRoot.getAnimations().length);
  service.model.when("Slowly", () => {});
  await tab.ask("Slowly");
  await tab.page.locator(".dots").waitFor();
  assert.deepEqual([await mood(tab), await moving()], ["thinking", 0]);
  await tab.stop.click();
  await tab.askAndWait("Happily");
  assert.deepEqual([await mood(tab), await moving()], ["happy", 0]);
  await tab.close();
  const other = await service.tab({ reducedMotion: "no-preference" }, PORTAL);
  assert.ok((await other.page.evaluate(() => document.getAnimations().length)) > 20);
  await other.close();
});

test("everything works by keyboard alone", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.page.getByRole("button", { name: "online" }).waitFor();
  const { keyboard } = tab.page;
  const focused = () => tab.page.evaluate(() => {
    const { activeElement: outer } = document;
    const inner = outer.shadowRoot?.activeElement ?? outer;
    return inner.ariaLabel || inner.textContent.trim();
  });
  const tabTo = async (name) => {
    for (let steps = 0; (await focused()) !== name; steps++) {
      assert.ok(steps < 12, `no way to ${name}`);
      await keyboard.press("Tab");
    }
  };
  await tabTo("Status: online");
  await keyboard.press("Enter");
  assert.equal(await tab.page.locator("#status-note").isVisible(), true);
  await keyboard.press("Escape");
  assert.equal(await tab.page.locator("#status-note").isVisible(), false);
  await tabTo("Hello, Amaya!");
  await keyboard.press("Enter");
  await tab.reads("Hello, Amaya!");
  await tab.isDone();
  await tabTo("Write to Amaya");
  await keyboard.type("By hand");
  await keyboard.press("Enter");
  await tab.reads("By hand");
  await tab.isDone();
  for (const copied of ["the second answer", "the first answer"]) {
    await keyboard.press("Shift+Tab");
    assert.equal(await focused(), "Copy answer", copied);
  }
  await keyboard.press("Shift+Tab");
  assert.equal(await focused(), "Conversation");
  await keyboard.press("Shift+Tab");
  assert.equal(await focused(), "Forget our conversation");
  await keyboard.press("Enter");
  await shows(tab);
  assert.equal(await focused(), "Write to Amaya");
  await tab.close();
});

/** Opens a tab with this default font size in pixels. */
async function withLetters(size, options) {
  const tab = await service.tab(options, PORTAL);
  const browser = await tab.page.context().newCDPSession(tab.page);
  await browser.send("Page.enable");
  await browser.send("Page.setFontSizes", { fontSizes: { standard: size } });
  return tab;
}

for (const [width, height, letters] of [[320, 640, 16], [912, 1368, 16], [900, 1100, 16], [390, 844, 24]]) {
  test(`all is within the screen: ${width} by ${height}, font ${letters}`, async () => {
    const tab = await withLetters(letters, { viewport: { width, height } });
    await until("the letters", () =>
      tab.page.evaluate((size) => getComputedStyle(document.body).fontSize === `${size}px`, letters),
    );
    const isWithin = (node) => {
      const { left, top, right, bottom } = node.getBoundingClientRect();
      return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
    };
    assert.equal(await tab.send.evaluate(isWithin), true);
    assert.equal(await tab.page.evaluate(() => document.documentElement.scrollWidth), width);
    await screenshot(tab.page, `portal-${width}-${letters}`);
    await tab.close();
  });
}

for (const [width, height, letters] of [[320, 568, 32], [390, 844, 32], [568, 320, 16], [780, 360, 16]]) {
  test(`nothing is wider than a phone: ${width} by ${height}, font ${letters}`, async () => {
    const tab = await withLetters(letters, { ...SIZES.phone, viewport: { width, height } });
    await tab.askAndWait("A sentence that is wider than a phone in your hand");
    assert.equal(await tab.page.evaluate(() => document.documentElement.scrollWidth), width);
    for (const part of ["header h1", "#status", "al-chat-window textarea"]) {
      await tab.page.locator(part).scrollIntoViewIfNeeded();
      const { x, y, width: wide, height: high } = await tab.page.locator(part).boundingBox();
      assert.ok(x >= 0 && y >= 0 && x + wide <= width && Math.floor(y + high) <= height, part);
    }
    assert.ok((await tab.page.locator(".log").boundingBox()).height > 60);
    await tab.close();
  });
}

test("a low page without a keyboard shows everything", async () => {
  const tab = await service.tab({ viewport: { width: 640, height: 400 } }, PORTAL);
  await greeting(tab).getByText("Hey you").waitFor();
  await tab.input.focus();
  for (const part of [".about", ".suggestions", "footer"]) {
    assert.equal(await tab.page.locator(part).isVisible(), true, part);
    assert.ok((await tab.page.locator(part).boundingBox()).height > 15, part);
  }
  await tab.page.getByRole("link", { name: "For programmers" }).scrollIntoViewIfNeeded();
  assert.ok((await tab.page.locator(".log").boundingBox()).height > 120);
  await screenshot(tab.page, "portal-zoomed");
  await tab.close();
});

test("the reduced motion switch is stored", async () => {
  const tab = await service.tab({}, PORTAL);
  const still = tab.page.getByRole("button", { name: "Calm" });
  const moving = () => tab.page.evaluate(() => document.getAnimations().length);
  assert.ok((await moving()) > 20);
  const [end] = service.model.inParts("Shall we dance?", "Yes", "!");
  const dancing = (part) => tab.page.locator(part).first().evaluate((node) => node.getAnimations().length);
  await tab.ask("Shall we dance?");
  await tab.reads("Yes");
  assert.equal(await dancing(".thought i"), 1);
  end();
  await tab.isDone();
  assert.equal(await dancing(".hearts .heart"), 1);
  await still.click();
  assert.deepEqual([await moving(), await still.getAttribute("aria-pressed")], [0, "true"]);
  await tab.askAndWait("Happily");
  assert.deepEqual([await mood(tab), await moving()], ["happy", 0]);
  await tab.page.reload();
  await tab.page.getByRole("button", { name: "Calm", pressed: true }).waitFor();
  assert.equal(await moving(), 0);
  assert.deepEqual(await layoutShifts(tab.page), []);
  await still.click();
  assert.ok((await moving()) > 20);
  await tab.page.reload();
  await tab.page.getByRole("button", { name: "Calm", pressed: false }).waitFor();
  await tab.close();
  const calm = await service.tab({ reducedMotion: "reduce" }, PORTAL);
  assert.equal(await calm.page.getByRole("button", { name: "Calm" }).count(), 0);
  await calm.close();
});

test("the reduced motion switch works without storage", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.page.addInitScript(() => {
    const forbid = () => {
      throw new DOMException("forbidden", "SecurityError");
    };
    Object.defineProperty(window, "localStorage", { get: forbid });
  });
  await tab.page.reload();
  await tab.page.getByRole("button", { name: "online" }).waitFor();
  await tab.page.getByRole("button", { name: "Calm" }).click();
  assert.equal(await tab.page.evaluate(() => document.getAnimations().length), 0);
  await tab.close();
});

test("the status is announced and refreshed", async () => {
  const tab = await service.tab({}, PORTAL);
  const says = (state) => tab.page.getByRole("button", { name: `Status: ${state}`, exact: true }).waitFor();
  const refuse = () => tab.page.route("**/api_status", (route) => route.abort());
  const allow = () => tab.page.unroute("**/api_status");
  await says("online");
  assert.equal(await tab.page.locator("body > header [role=status]").textContent(), "Status: online");
  await refuse();
  await becomeVisible(tab);
  await says("away");
  assert.equal(await tab.page.locator("body > header [role=status]").textContent(), "Status: away");
  await allow();
  await tab.askAndWait("Are you back?");
  await says("online");
  await refuse();
  service.model.when("Are you ill?", (call) => call.refuse(500));
  await tab.askAndWait("Are you ill?");
  await says("away");
  await allow();
  await becomeVisible(tab);
  await says("online");
  await tab.close();
});

test("an unknown status is shown as such", async () => {
  const tab = await service.tab({}, PORTAL);
  const answer = gate();
  await tab.page.route("**/api_status", async (route) => {
    await answer.opened;
    await route.continue();
  });
  await tab.page.reload();
  await tab.page.getByRole("button", { name: "Status: checking", exact: true }).waitFor();
  answer.open();
  await tab.page.getByRole("button", { name: "Status: online", exact: true }).waitFor();
  assert.deepEqual(await layoutShifts(tab.page), []);
  await tab.close();
});

test("a note explains blocked cookies", async () => {
  const tab = await service.tab({}, PORTAL);
  await tab.page.addInitScript(() => Object.defineProperty(Navigator.prototype, "cookieEnabled", { value: false }));
  await tab.page.reload();
  await tab.page.getByRole("button", { name: "online" }).click();
  await tab.page.getByText("Your browser refuses cookies, so Amaya cannot remember").waitFor();
  await tab.close();
});

test("the mood is thinking on a retry and calm after a clear", async () => {
  const tab = await service.tab({}, PORTAL);
  service.model.when("Once more", (call) => call.refuse(500));
  await tab.ask("Once more");
  await tab.retry.waitFor();
  assert.equal(await mood(tab), "sorry");
  const [end] = service.model.inParts("Once more", "Glad", "ly");
  await tab.retry.click();
  await tab.reads("Glad");
  assert.equal(await mood(tab), "thinking");
  end();
  await tab.isDone();
  assert.equal(await mood(tab), "happy");
  await tab.page.getByRole("button", { name: "Forget our conversation" }).click();
  assert.equal(await mood(tab), "calm");
  await tab.close();
});

test("openers are disabled during an answer and after a reload", async () => {
  const tab = await service.tab({}, PORTAL);
  const opener = tab.page.getByRole("button", { name: "Tell me a joke!" });
  const isQuiet = () => opener.getAttribute("aria-disabled");
  assert.equal(await isQuiet(), "false");
  const [end] = service.model.inParts("Do you hear me?", "Yes, ", "I do.");
  await tab.ask("Do you hear me?");
  await tab.reads("Yes, ");
  await tab.page.reload();
  await tab.reads("Yes, ");
  assert.equal(await isQuiet(), "true");
  assert.deepEqual(await accessibilityViolations(tab.page), []);
  // Playwright itself would wait until the button is enabled.
  await opener.dispatchEvent("click");
  end();
  await shows(tab, "Do you hear me?", "Yes, I do.");
  await tab.isDone();
  assert.equal(await isQuiet(), "false");
  await opener.click();
  await shows(tab, "Do you hear me?", "Yes, I do.", "Tell me a joke!", "Tell me a joke!");
  await tab.close();
});
