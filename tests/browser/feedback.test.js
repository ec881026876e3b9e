// Visitors rate answers, and comment on them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { accessibilityViolations, SCREENS, screenshot } from "./page_checks.js";
import { posts, startService, until } from "./service.js";

let service;
before(async () => (service = await startService({ SESSION_LOG_CONTENT: "on" })));
after(() => service.close());

const good = (tab) => tab.page.getByRole("button", { name: "Good answer" }).last();
const bad = (tab) => tab.page.getByRole("button", { name: "Bad answer" }).last();
const comment = (tab) => tab.page.getByLabel("Comment (optional)");
const pressed = (tab) => Promise.all([good(tab), bad(tab)].map((button) => button.getAttribute("aria-pressed")));
const isPressed = (tab, ...expected) =>
  until(`the buttons ${expected}`, async () => (await pressed(tab)).join() === expected.join());
const ratings = (requests) => posts(requests, "/feedback").map((request) => request.postDataJSON());

/** Opens a tab with an answer that can be rated. */
async function answered(options) {
  const tab = await service.tab(options);
  await tab.window.evaluate((window) => (window.feedback = true));
  await tab.askAndWait("Hello");
  await good(tab).waitFor();
  return tab;
}

test("an answer is rated, the rating is changed, and a reload shows it", async () => {
  const tab = await answered();
  const requests = tab.requests();
  await isPressed(tab, false, false);
  await good(tab).focus();
  await tab.page.keyboard.press("Enter");
  await comment(tab).waitFor();
  await isPressed(tab, true, false);
  await bad(tab).click();
  await isPressed(tab, false, true);
  await until("both ratings", () => ratings(requests).length === 2);
  assert.deepEqual(ratings(requests), [{ rating: "up" }, { rating: "down" }]);
  await until("the last rating", async () => (await service.log("feedback")).at(-1)?.rating === "down");
  await until("one form", async () => (await comment(tab).count()) === 1);
  await tab.page.reload();
  await tab.window.evaluate((window) => (window.feedback = true));
  await isPressed(tab, false, true);
  await tab.close();
});

test("a comment follows a rating", async () => {
  const tab = await answered();
  const requests = tab.requests();
  await bad(tab).click();
  await comment(tab).fill("The price is wrong");
  await comment(tab).press("Enter");
  await tab.page.getByText("Thank you for your comment.").waitFor();
  assert.deepEqual(ratings(requests).at(-1), { rating: "down", comment: "The price is wrong" });
  await tab.page.getByRole("button", { name: "OK" }).click();
  assert.equal(await tab.page.locator("form[part=form]").count(), 0);
  await bad(tab).click();
  await comment(tab).press("Escape");
  assert.equal(await tab.page.locator("form[part=form]").count(), 0);
  await isPressed(tab, false, true);
  await tab.close();
});

test("no comment is asked for where none is kept", async () => {
  const service = await startService();
  const tab = await service.tab();
  await tab.window.evaluate((window) => (window.feedback = true));
  await tab.askAndWait("Hello");
  await good(tab).click();
  // The second rating is sent when the window has shown what follows the first one.
  await bad(tab).click();
  await until("both ratings", async () => (await service.log("feedback")).length === 2);
  assert.equal(await comment(tab).count(), 0);
  await tab.close();
  await service.close();
});

test("a rating that fails is not shown as given", async () => {
  const tab = await answered();
  await good(tab).click();
  await comment(tab).waitFor();
  await tab.page.route("**/feedback", (route) => route.fulfill({ status: 503, json: { error: "Not now", code: "storage_unavailable" } }));
  await bad(tab).click();
  await tab.page.getByText("Not now.").waitFor();
  await isPressed(tab, true, false);
  await tab.close();
});

test("only finished answers are rated, and only if the page says so", async () => {
  const tab = await answered();
  service.model.when("Break", (call) => call.refuse(500));
  await tab.ask("Break");
  await tab.retry.waitFor();
  assert.equal(await tab.page.getByRole("button", { name: "Good answer" }).count(), 1);
  await tab.window.evaluate((window) => (window.feedback = false));
  assert.equal(await tab.page.getByRole("button", { name: "Good answer" }).count(), 0);
  await tab.close();
});

test("ratings are accessible and fit in every window", async () => {
  const narrow = { viewport: { width: 320, height: 480 } };
  const looks = { light: {}, dark: { colorScheme: "dark" }, forced: { forcedColors: "active" }, phone: SCREENS.phone, narrow };
  for (const [look, options] of Object.entries(looks)) {
    const tab = await answered(options);
    await bad(tab).click();
    await comment(tab).waitFor();
    assert.deepEqual(await accessibilityViolations(tab.page), [], look);
    const { x, width } = await tab.page.locator("form[part=form]").boundingBox();
    assert.ok(x >= 0 && x + width <= tab.page.viewportSize().width, look);
    await screenshot(tab.page, `feedback-${look}`);
    await tab.close();
  }
});
