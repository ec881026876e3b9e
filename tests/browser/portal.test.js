// Amaya's portal: the page, and the conversation that the server keeps for its visitor.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { barriers, jumps, picture, SCREENS } from "./eyes.js";
import { openHouse, Tab, until } from "./house.js";
import { gate } from "./model.js";

const PORTAL = "/";
const SIZES = {
  phone: { ...SCREENS.phone, viewport: { width: 390, height: 844 } },
  desktop: { viewport: { width: 1280, height: 800 } },
};

let house;
let demo;
before(async () => {
  house = await openHouse();
  demo = await openHouse({ OPENAI_API_KEY: undefined, OPENAI_BASE_URL: undefined, PAPITA_API_URL: undefined });
});
after(() => Promise.all([house?.close(), demo?.close()]));

/** Has the model say these two parts of an answer, the second when told to. */
function halves(message, one, other) {
  const second = gate();
  house.model.when(message, async (call) => {
    call.say(one);
    await second.opened;
    call.say(other);
    call.done();
  });
  return second.open;
}

/** The questions and answers that a tab shows. */
const shown = ({ page }) => page.locator(".turn .text, .turn .body").allTextContents();
const shows = (tab, ...texts) =>
  until(`a conversation of ${JSON.stringify(texts)}`, async () => (await shown(tab)).join("|") === texts.join("|"));
const mood = ({ page }) => page.locator("body").getAttribute("data-mood");
const greeting = ({ page }) => page.locator("[part~=greeting]");

/** What a browser tells a page that was hidden and is seen again. */
const comeBack = ({ page }) => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));

test("Amaya is there, greets, and a turn streams into the window", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.page.getByRole("heading", { name: "Amaya" }).waitFor();
  assert.equal(await tab.page.locator("header svg.amaya").isVisible(), true);
  await greeting(tab).getByText("Hey you").waitFor();
  await tab.page.getByRole("button", { name: "online" }).waitFor();
  assert.equal(await mood(tab), "calm");
  const more = halves("Is the sky clear?", "As clear ", "as **you**.");
  await tab.ask("Is the sky clear?");
  await tab.reads("As clear ");
  assert.equal(await mood(tab), "thinking");
  more();
  await tab.isDone();
  assert.equal(await tab.answer.innerHTML(), "<p>As clear as <strong>you</strong>.</p>");
  assert.equal(await mood(tab), "happy");
  const [{ messages }] = house.model.callsOf("Is the sky clear?");
  assert.deepEqual([messages[0].role, messages.length], ["system", 2]);
  await tab.close();
});

test("the conversation is there after a reload, in another tab, and for nobody else", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.askAndWait("Remember me");
  await tab.askAndWait("Really?");
  const conversation = ["Remember me", "Remember me", "Really?", "Really?"];
  await tab.page.reload();
  await shows(tab, ...conversation);
  const other = await house.tabIn(tab.page.context(), PORTAL);
  await shows(other, ...conversation);
  await other.askAndWait("And here?");
  const { messages } = house.model.callsOf("And here?")[0];
  assert.deepEqual(messages.slice(1).map(({ content }) => content), [...conversation, "And here?"]);
  const stranger = await house.tab({}, PORTAL);
  await greeting(stranger).getByText("Hey you").waitFor();
  assert.deepEqual(await shown(stranger), []);
  await stranger.close();
  await tab.close();
});

test("two tabs at once are both kept, and both seen when one comes back to them", async () => {
  const one = await house.tab({}, PORTAL);
  const other = await house.tabIn(one.page.context(), PORTAL);
  const end = halves("From one", "I am ", "one.");
  await one.ask("From one");
  await one.reads("I am ");
  await other.ask("From the other");
  end();
  await one.isDone();
  await other.isDone();
  for (const tab of [one, other]) {
    await comeBack(tab);
    await shows(tab, "From one", "I am one.", "From the other", "From the other");
  }
  await one.close();
});

test("stopping keeps what was said and closes the model's connection", async () => {
  const tab = await house.tab({}, PORTAL);
  let departed;
  house.model.when("Count the stars", (call) => {
    departed = call.departed;
    call.say("One, two");
  });
  await tab.ask("Count the stars");
  await tab.reads("One, two");
  await tab.stop.click();
  await departed;
  await tab.isDone();
  assert.equal(await tab.answerText(), "One, two");
  assert.equal(await mood(tab), "calm");
  await tab.askAndWait("And now?");
  await tab.page.reload();
  await shows(tab, "Count the stars", "One, two", "And now?", "And now?");
  await tab.close();
});

test("what failed is still there after a reload, and is asked again by a button", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.askAndWait("Before");
  house.model.when("Try hard", (call) => call.refuse(500));
  await tab.ask("Try hard");
  await tab.retry.waitFor();
  assert.equal(await mood(tab), "sorry");
  await tab.page.reload();
  await tab.retry.waitFor();
  await comeBack(tab);
  await tab.retry.click();
  await tab.reads("Try hard");
  await tab.isDone();
  await tab.page.reload();
  await shows(tab, "Before", "Before", "Try hard", "Try hard");
  assert.equal(await tab.retry.count(), 0);
  await tab.close();
});

test("a reload in mid-answer goes on with it, and the model is asked once", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.askAndWait("First");
  const end = halves("A long story", "Once upon ", "a time.");
  await tab.ask("A long story");
  await tab.reads("Once upon ");
  await tab.page.reload();
  await tab.reads("Once upon ");
  assert.equal(await mood(tab), "thinking");
  end();
  await shows(tab, "First", "First", "A long story", "Once upon a time.");
  await tab.isDone();
  assert.equal(house.model.callsOf("A long story").length, 1);
  await tab.close();
});

test("an answer that came while the connection was lost is there when one is back", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.askAndWait("Before the tunnel");
  const end = halves("Lost for long", "There ", "and back.");
  await tab.ask("Lost for long");
  await tab.reads("There ");
  // Its clock goes faster than ours, so that it has soon waited long enough.
  await tab.page.clock.install();
  house.line.cut();
  end();
  await tab.page.locator(".note").getByText("Reconnecting").waitFor();
  for (let tries = 0; !(await tab.retry.count()) && tries < 200; tries++) await tab.page.clock.runFor(1000);
  await tab.trouble.getByText("cannot be reached").waitFor();
  house.line.mend();
  await until("the answer", async () => (await comeBack(tab), (await tab.retry.count()) === 0));
  await shows(tab, "Before the tunnel", "Before the tunnel", "Lost for long", "There and back.");
  assert.equal(house.model.callsOf("Lost for long").length, 1);
  await tab.close();
});

test("a new conversation is one for the server, too, also right before the next question", async () => {
  const tab = await house.tab({}, PORTAL);
  const other = await house.tabIn(tab.page.context(), PORTAL);
  await tab.askAndWait("Forget me");
  await comeBack(other);
  await shows(other, "Forget me", "Forget me");
  await tab.page.getByRole("button", { name: "Forget our conversation" }).click();
  await tab.askAndWait("Fresh");
  assert.equal(house.model.callsOf("Fresh")[0].messages.length, 2);
  await tab.page.reload();
  await shows(tab, "Fresh", "Fresh");
  await comeBack(other);
  await shows(other, "Fresh", "Fresh");
  await tab.close();
});

test("where the conversation cannot be read, what the tab has of it stays", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.askAndWait("Keep me");
  const asked = tab.page.waitForRequest((request) => request.url().endsWith("/chat_history"));
  await tab.page.route("**/chat_history", (route) => route.abort());
  await tab.page.reload();
  await asked;
  await shows(tab, "Keep me", "Keep me");
  await tab.page.locator(".log").waitFor();
  await tab.close();
});

test("one who cannot have the conversation forgotten is told, and sees it again", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.askAndWait("Stay");
  await tab.page.route("**/clear_chat", (route) => route.abort());
  await tab.page.getByRole("button", { name: "Forget our conversation" }).click();
  await tab.page.locator("form [role=alert]").getByText("Something went wrong").waitFor();
  await shows(tab, "Stay", "Stay");
  await tab.close();
});

test("one who cannot be reached to forget shows the conversation again", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.askAndWait("Stay, too");
  for (const path of ["**/clear_chat", "**/chat_history"]) await tab.page.route(path, (route) => route.abort());
  await tab.window.evaluate((window) => window.clear());
  await tab.page.locator("form [role=alert]").getByText("Something went wrong").waitFor();
  await shows(tab, "Stay, too", "Stay, too");
  await tab.close();
});

test("a question that is taken back before it has left is never asked", async () => {
  const tab = await house.tab({}, PORTAL);
  const started = gate();
  await tab.page.route("**/session/start", async (route) => {
    await started.opened;
    await route.continue();
  });
  await tab.ask("Ghost");
  await tab.window.evaluate((window) => window.clear());
  await tab.ask("And now?");
  started.open();
  await tab.reads("And now?");
  await shows(tab, "And now?", "And now?");
  assert.equal(house.model.callsOf("Ghost").length, 0);
  await tab.close();
});

test("one who asks before the conversation has come sees the question at once, and then all of it", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.askAndWait("Before");
  const other = new Tab(await tab.page.context().newPage());
  const told = gate();
  await other.page.route("**/chat_history", async (route) => {
    await told.opened;
    await route.continue();
  });
  await other.page.goto(tab.page.url());
  await other.ask("Already?");
  await other.page.locator(".question").getByText("Already?").waitFor();
  told.open();
  await shows(other, "Before", "Before", "Already?", "Already?");
  await tab.close();
});

test("one who has scrolled up to read stays there when more of the conversation comes", async () => {
  const tab = await house.tab({}, PORTAL);
  house.model.when("At length", (call) => (call.say("A line.\n\n".repeat(60)), call.done()));
  await tab.askAndWait("At length");
  const other = await house.tabIn(tab.page.context(), PORTAL);
  await other.askAndWait("Over here");
  await tab.page.locator(".log").evaluate((log) => (log.scrollTop = 300));
  await comeBack(tab);
  await tab.page.locator(".question").getByText("Over here").waitFor();
  assert.equal(await tab.page.locator(".log").evaluate((log) => log.scrollTop), 300);
  await tab.close();
});

test("what a page says in the visitor's place leaves a draft alone", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.input.fill("A draft");
  await tab.window.evaluate((window) => window.send("Hello from the page"));
  await tab.reads("Hello from the page");
  assert.equal(await tab.input.inputValue(), "A draft");
  await tab.close();
});

test("500 characters can be written, and no files are taken", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.input.pressSequentially("x".repeat(10));
  await tab.page.keyboard.insertText("y".repeat(600));
  assert.equal((await tab.input.inputValue()).length, 500);
  assert.equal(await tab.page.getByRole("button", { name: "Attach" }).count(), 0);
  const dropped = await tab.page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["three"], "dropped.md"));
    return transfer;
  });
  await tab.page.locator(".panel").dispatchEvent("dragover", { dataTransfer: dropped });
  await tab.page.locator(".panel").dispatchEvent("drop", { dataTransfer: dropped });
  assert.equal(await tab.page.locator(".drop").isVisible(), false);
  assert.equal(await tab.page.locator("form .chips li").count(), 0);
  await tab.close();
});

test("after 200 turns the cookie is the same, and all of them are there", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.askAndWait("Turn 0");
  const context = tab.page.context();
  const [cookie] = await context.cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, "Lax", "/"]);
  await tab.page.evaluate(async () => {
    for (let turn = 1; turn < 200; turn++) {
      const body = JSON.stringify({ message: `Turn ${turn}` });
      const headers = { "Content-Type": "application/json" };
      const response = await fetch("/chat", { method: "POST", headers, body });
      const { success } = await response.json();
      if (!success) throw new Error(`turn ${turn}: ${response.status}`);
    }
  });
  const cookies = await context.cookies();
  assert.deepEqual(cookies.map(({ value }) => value), [cookie.value]);
  await tab.page.reload();
  await until("all turns", async () => (await tab.page.locator(".turn").count()) === 200);
  assert.equal(await tab.answerText(), "Turn 199");
  await tab.close();
});

test("without a key she is in demo mode, says what that is, and talks all the same", async () => {
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

test("a server that cannot be asked is told as away", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.page.route("**/api_status", (route) => route.abort());
  await tab.page.reload();
  await tab.page.getByRole("button", { name: "away" }).waitFor();
  await tab.close();
});

test("no request leaves the origin, and nothing breaks the policy", async () => {
  const tab = await house.tab({}, PORTAL);
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
  assert.deepEqual([...origins], [`http://127.0.0.1:${house.line.port}`]);
  await tab.close();
});

for (const [size, options] of Object.entries(SIZES)) {
  test(`nothing jumps, with and without a conversation: ${size}`, async () => {
    const tab = await house.tab(options, PORTAL);
    await greeting(tab).getByText("Hey you").waitFor();
    await tab.page.getByRole("button", { name: "online" }).waitFor();
    assert.deepEqual(await jumps(tab.page), []);
    await tab.askAndWait("One");
    for (const again of [tab, await house.tabIn(tab.page.context(), PORTAL)]) {
      if (again === tab) await tab.page.reload();
      await greeting(again).getByText("Hey you").waitFor();
      await shows(again, "One", "One");
      await again.page.getByRole("button", { name: "online" }).waitFor();
      assert.deepEqual(await jumps(again.page), []);
    }
    await tab.close();
  });

  test(`there are no barriers, and the page has its own size: ${size}`, async () => {
    const tab = await house.tab(options, PORTAL);
    const check = async (state) => {
      assert.deepEqual(await barriers(tab.page), [], state);
      await picture(tab.page, `portal-${size}-${state}`);
    };
    await tab.page.getByRole("button", { name: "online" }).waitFor();
    await greeting(tab).getByText("Hey you").waitFor();
    await check("empty");
    house.model.when("Nothing yet", () => {});
    await tab.ask("Nothing yet");
    await tab.page.locator(".dots").waitFor();
    await check("thinking");
    await tab.stop.click();
    house.model.when("Oh no", (call) => call.refuse(500));
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

test("beside a phone's keyboard there is room for the chat", async () => {
  const tab = await house.tab({ ...SIZES.phone, viewport: { width: 390, height: 400 } }, PORTAL);
  await greeting(tab).getByText("Hey you").waitFor();
  await tab.input.tap();
  const { y, height } = await tab.input.boundingBox();
  assert.ok(y + height <= 400);
  assert.ok((await tab.page.locator(".log").boundingBox()).height > 150);
  assert.equal(await tab.page.locator(".about").isVisible(), true);
  assert.equal(await tab.page.locator(".suggestions").isVisible(), false);
  await picture(tab.page, "portal-phone-keyboard");
  await tab.close();
});

test("without scripts the page says what it needs", async () => {
  const tab = await house.tab({ javaScriptEnabled: false }, PORTAL);
  await tab.page.locator("noscript p").waitFor();
  await tab.page.getByRole("heading", { name: "Amaya" }).waitFor();
  assert.equal(await tab.page.getByRole("button").count(), 0);
  await tab.close();
});

test("nothing moves for those who asked for that, in any mood", async () => {
  const tab = await house.tab({ reducedMotion: "reduce" }, PORTAL);
  const moving = () =>
    tab.window.evaluate((window) => document.getAnimations().length + window.shadowRoot.getAnimations().length);
  house.model.when("Slowly", () => {});
  await tab.ask("Slowly");
  await tab.page.locator(".dots").waitFor();
  assert.deepEqual([await mood(tab), await moving()], ["thinking", 0]);
  await tab.stop.click();
  await tab.askAndWait("Happily");
  assert.deepEqual([await mood(tab), await moving()], ["happy", 0]);
  await tab.close();
  const other = await house.tab({ reducedMotion: "no-preference" }, PORTAL);
  assert.ok((await other.page.evaluate(() => document.getAnimations().length)) > 20);
  await other.close();
});

test("everything is done by the keyboard alone", async () => {
  const tab = await house.tab({}, PORTAL);
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
  await keyboard.press("Shift+Tab");
  assert.equal(await focused(), "Conversation");
  await keyboard.press("Shift+Tab");
  assert.equal(await focused(), "Forget our conversation");
  await keyboard.press("Enter");
  await shows(tab);
  assert.equal(await focused(), "Write to Amaya");
  await tab.close();
});

/** A tab whose browser has letters of this size, in pixels. */
async function withLetters(size, options) {
  const tab = await house.tab(options, PORTAL);
  const browser = await tab.page.context().newCDPSession(tab.page);
  await browser.send("Page.enable");
  await browser.send("Page.setFontSizes", { fontSizes: { standard: size } });
  return tab;
}

for (const [width, height, letters] of [[320, 640, 16], [912, 1368, 16], [900, 1100, 16], [390, 844, 24]]) {
  test(`all is within the screen: ${width} by ${height}, letters of ${letters}`, async () => {
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
    await picture(tab.page, `portal-${width}-${letters}`);
    await tab.close();
  });
}

test("where a page is low without a keyboard, nothing is missing from it", async () => {
  const tab = await house.tab({ viewport: { width: 640, height: 400 } }, PORTAL);
  await greeting(tab).getByText("Hey you").waitFor();
  await tab.input.focus();
  for (const part of [".about", ".suggestions", "footer"]) {
    assert.equal(await tab.page.locator(part).isVisible(), true, part);
    assert.ok((await tab.page.locator(part).boundingBox()).height > 15, part);
  }
  await tab.page.getByRole("link", { name: "For programmers" }).scrollIntoViewIfNeeded();
  assert.ok((await tab.page.locator(".log").boundingBox()).height > 120);
  await picture(tab.page, "portal-zoomed");
  await tab.close();
});

test("all keeps still for those who say so, and does so again the next time", async () => {
  const tab = await house.tab({}, PORTAL);
  const still = tab.page.getByRole("button", { name: "Calm" });
  const moving = () => tab.page.evaluate(() => document.getAnimations().length);
  assert.ok((await moving()) > 20);
  const end = halves("Shall we dance?", "Yes", "!");
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
  assert.deepEqual(await jumps(tab.page), []);
  await still.click();
  assert.ok((await moving()) > 20);
  await tab.page.reload();
  await tab.page.getByRole("button", { name: "Calm", pressed: false }).waitFor();
  await tab.close();
  const calm = await house.tab({ reducedMotion: "reduce" }, PORTAL);
  assert.equal(await calm.page.getByRole("button", { name: "Calm" }).count(), 0);
  await calm.close();
});

test("where nothing may be stored, the page keeps still all the same", async () => {
  const tab = await house.tab({}, PORTAL);
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

test("the status says what it is, aloud, and is asked for again when it may have changed", async () => {
  const tab = await house.tab({}, PORTAL);
  const says = (state) => tab.page.getByRole("button", { name: `Status: ${state}`, exact: true }).waitFor();
  const refuse = () => tab.page.route("**/api_status", (route) => route.abort());
  const allow = () => tab.page.unroute("**/api_status");
  await says("online");
  assert.equal(await tab.page.locator("body > header [role=status]").textContent(), "Status: online");
  await refuse();
  await comeBack(tab);
  await says("away");
  assert.equal(await tab.page.locator("body > header [role=status]").textContent(), "Status: away");
  await allow();
  await tab.askAndWait("Are you back?");
  await says("online");
  await refuse();
  house.model.when("Are you ill?", (call) => call.refuse(500));
  await tab.askAndWait("Are you ill?");
  await says("away");
  await allow();
  await comeBack(tab);
  await says("online");
  await tab.close();
});

test("until the status is known, it says so", async () => {
  const tab = await house.tab({}, PORTAL);
  const answer = gate();
  await tab.page.route("**/api_status", async (route) => {
    await answer.opened;
    await route.continue();
  });
  await tab.page.reload();
  await tab.page.getByRole("button", { name: "Status: checking", exact: true }).waitFor();
  answer.open();
  await tab.page.getByRole("button", { name: "Status: online", exact: true }).waitFor();
  assert.deepEqual(await jumps(tab.page), []);
  await tab.close();
});

test("where the browser refuses cookies, the note says what that means", async () => {
  const tab = await house.tab({}, PORTAL);
  await tab.page.addInitScript(() => Object.defineProperty(Navigator.prototype, "cookieEnabled", { value: false }));
  await tab.page.reload();
  await tab.page.getByRole("button", { name: "online" }).click();
  await tab.page.getByText("Your browser refuses cookies, so Amaya cannot remember").waitFor();
  await tab.close();
});

test("she thinks while she is asked again, and is calm when all is forgotten", async () => {
  const tab = await house.tab({}, PORTAL);
  house.model.when("Once more", (call) => call.refuse(500));
  await tab.ask("Once more");
  await tab.retry.waitFor();
  assert.equal(await mood(tab), "sorry");
  const end = halves("Once more", "Glad", "ly");
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

test("while she answers, nothing else can be opened with, also after a reload", async () => {
  const tab = await house.tab({}, PORTAL);
  const opener = tab.page.getByRole("button", { name: "Tell me a joke!" });
  const isQuiet = () => opener.getAttribute("aria-disabled");
  assert.equal(await isQuiet(), "false");
  const end = halves("Do you hear me?", "Yes, ", "I do.");
  await tab.ask("Do you hear me?");
  await tab.reads("Yes, ");
  await tab.page.reload();
  await tab.reads("Yes, ");
  assert.equal(await isQuiet(), "true");
  assert.deepEqual(await barriers(tab.page), []);
  // Playwright itself would wait until it can be used.
  await opener.dispatchEvent("click");
  end();
  await shows(tab, "Do you hear me?", "Yes, I do.");
  await tab.isDone();
  assert.equal(await isQuiet(), "false");
  await opener.click();
  await shows(tab, "Do you hear me?", "Yes, I do.", "Tell me a joke!", "Tell me a joke!");
  await tab.close();
});
