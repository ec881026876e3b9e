// A visitor asks for a person.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { accessibilityViolations, SCREENS, screenshot } from "./page_checks.js";
import { posts, startService, until } from "./service.js";

const received = [];
let receiver, service;
before(async () => {
  receiver = createServer(async (request, response) => {
    request.setEncoding("utf8");
    let body = "";
    for await (const piece of request) body += piece;
    received.push(JSON.parse(body));
    response.writeHead(204).end();
  });
  await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  service = await startService({
    EVENTS_URL: `http://127.0.0.1:${receiver.address().port}/`,
    EVENTS_SECRET: `whsec_${Buffer.alloc(32, 1).toString("base64")}`,
  });
});
after(async () => {
  await service?.close();
  receiver?.close();
});

const opener = (tab) => tab.page.locator("header").getByRole("button", { name: "Talk to a person" });
const contact = (tab) => tab.page.getByLabel("How can you be reached? (optional)");
const ask = (tab) => tab.page.getByRole("button", { name: "Ask for a person" });
const cancel = (tab) => tab.page.getByRole("button", { name: "Cancel" });
const status = (tab) => tab.page.locator("form[part=form] [role=status]");
const focused = (tab) => tab.window.evaluate(({ shadowRoot: { activeElement: it } }) => it?.ariaLabel || it?.textContent || it?.tagName);

/** Opens a tab with an answer, and the form. */
async function openForm(options) {
  const tab = await service.tab(options);
  await tab.askAndWait("Hello");
  await opener(tab).click();
  await contact(tab).waitFor();
  return tab;
}

test("a visitor asks for a person by keyboard", async () => {
  const tab = await service.tab();
  assert.equal(await opener(tab).count(), 0, "before the session");
  const requests = tab.requests();
  await tab.askAndWait("I need help");
  await opener(tab).focus();
  await tab.page.keyboard.press("Enter");
  await contact(tab).waitFor();
  await until("the focus in the field", async () => (await focused(tab)) === "INPUT");
  await tab.page.keyboard.type("ada@shop.example");
  await tab.page.keyboard.press("Enter");
  await status(tab).getByText("Your request was passed on.").waitFor();
  assert.equal(await focused(tab), "OK");
  const [turn] = posts(requests, "/api/chat");
  const session = turn.headers()["x-session-id"];
  assert.equal(posts(requests, `/api/session/${session}/handover`).length, 1);
  const event = await until("the event", () => received.find(({ type }) => type === "handover.requested"));
  assert.match(JSON.stringify(event), /ada@shop\.example/);
  await tab.page.keyboard.press("Enter");
  assert.equal(await status(tab).count(), 0);
  assert.equal(await focused(tab), "Talk to a person");
  await tab.close();
});

test("the form is cancelled by its button and by Escape", async () => {
  const tab = await openForm();
  const requests = tab.requests();
  await cancel(tab).click();
  assert.equal(await contact(tab).count(), 0);
  assert.equal(await focused(tab), "Talk to a person");
  await opener(tab).click();
  await contact(tab).press("Escape");
  assert.equal(await contact(tab).count(), 0);
  await opener(tab).click();
  await contact(tab).waitFor();
  await opener(tab).click();
  await until("one form", async () => (await contact(tab).count()) === 1);
  assert.equal(posts(requests, "/handover").length, 0);
  await tab.close();
});

test("a request for a person that fails can be sent again", async () => {
  const tab = await openForm();
  const refusal = { error: "Too often", code: "handover_limit_reached" };
  await tab.page.route("**/handover", (route) => route.fulfill({ status: 429, headers: { "retry-after": "40" }, json: refusal }));
  await contact(tab).fill("+44 1234");
  await ask(tab).click();
  await status(tab).getByText("Too often. You can try again in 40 s.").waitFor();
  await tab.page.unroute("**/handover");
  await tab.page.route("**/handover", (route) => route.abort());
  await ask(tab).click();
  await status(tab).getByText("The chat cannot be reached.").waitFor();
  assert.equal(await contact(tab).inputValue(), "+44 1234");
  await tab.page.unroute("**/handover");
  const sent = tab.page.waitForRequest("**/handover");
  await ask(tab).dblclick();
  assert.deepEqual((await sent).postDataJSON(), { contact: "+44 1234" });
  await status(tab).getByText("Your request was passed on.").waitFor();
  await tab.close();
});

test("the page decides whether its window offers a person", async () => {
  const tab = await service.tab();
  await tab.askAndWait("Hello");
  await opener(tab).waitFor();
  await tab.window.evaluate((window) => (window.contact = "mailto:help@shop.example"));
  assert.equal(await opener(tab).count(), 0);
  await tab.page.getByRole("link", { name: "Talk to a person" }).waitFor();
  await tab.window.evaluate((window) => Object.assign(window, { contact: null, handover: "off" }));
  assert.equal(await tab.page.locator("[part=contact]").count(), 0);
  await tab.window.evaluate((window) => (window.handover = null));
  await tab.window.evaluate((window) => (window.strings = { contact: "Mensch", reach: "Adresse", ask: "Los" }));
  await tab.page.reload();
  await opener(tab).click();
  await contact(tab).waitFor();
  await tab.close();
});

test("a failed question offers a person, too", async () => {
  const tab = await service.tab();
  await tab.askAndWait("Hello");
  service.model.when("Break", (call) => call.refuse(500));
  await tab.ask("Break");
  await tab.trouble.getByRole("button", { name: "Talk to a person" }).click();
  await contact(tab).waitFor();
  await tab.close();
});

test("without a receiver no person is offered", async () => {
  const alone = await startService();
  const tab = await alone.tab();
  await tab.askAndWait("Hello");
  assert.equal(await tab.page.locator("[part=contact]").count(), 0);
  await alone.close();
});

test("the form is accessible and fits in every window", async () => {
  const narrow = { viewport: { width: 320, height: 480 } };
  const looks = { light: {}, dark: { colorScheme: "dark" }, forced: { forcedColors: "active" }, phone: SCREENS.phone, narrow };
  for (const [look, options] of Object.entries(looks)) {
    const tab = await openForm(options);
    await contact(tab).fill("ada@shop.example");
    assert.deepEqual(await accessibilityViolations(tab.page), [], look);
    const { x, width } = await tab.page.locator("form[part=form]").boundingBox();
    assert.ok(x >= 0 && x + width <= tab.page.viewportSize().width, look);
    for (const button of [ask(tab), cancel(tab), tab.input]) assert.equal(await button.isVisible(), true, look);
    await screenshot(tab.page, `handover-${look}`);
    await tab.close();
  }
});
