// The operator's page while the service works: figures, turns, sessions and pauses, as they happen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ask, askAndWait, call, card, cardHas, close, isLive, openLive, report, show, startSession } from "./admin_page.js";
import { startService, until } from "./service.js";

const MARKUP = '<img src=x onerror="window.broken=1"><b>Hello</b>';

let service, sited;
before(async () => {
  const sites = ["shop", "blog"].map((id) => `[[sites]]\nid = "${id}"\norigins = ["https://${id}.example"]\n`).join("");
  service = await startService({ SESSION_LOG_CONTENT: "on" });
  sited = await startService({}, sites);
});

/** Asks a question whose turn fails. */
async function askAndFail(others) {
  service.model.when("Fail", (call) => call.refuse(500));
  assert.notEqual((await ask(service, "Fail", others)).status, 200);
}
after(() => Promise.all([service?.close(), sited?.close()]));

const counted = async () => (await report(service)).total.turns;
const whole = new Intl.NumberFormat("en-US");
const rows = (page, name) => page.getByRole("region", { name }).locator("tbody tr");

test("new turns are in the figures, which equal the report's", async () => {
  await askAndWait(service, "Hello");
  const page = await openLive(service);
  const before = await counted();
  await cardHas(page, "Turns", whole.format(before));
  await askAndWait(service, "Hello again", { session_id: await startSession(service) });
  await askAndFail();
  await cardHas(page, "Turns", whole.format(before + 2));
  const { total } = await report(service);
  await cardHas(page, "Errors", whole.format(total.errors));
  await cardHas(page, "Tokens", whole.format(total.total_tokens));
  await cardHas(page, "Visitors", whole.format(total.visitors));
  const { groups } = await report(service, "model");
  const shown = await rows(page, "Turns of today by group").evaluateAll((all) => all.map(({ cells }) => [cells[0].textContent, cells[1].textContent]));
  assert.deepEqual(shown, groups.map(({ group, figures }) => [group, whole.format(figures.turns)]));
  const codes = await rows(page, "Errors of today by code").evaluateAll((all) => all.map(({ cells }) => [cells[0].textContent, Number(cells[1].textContent)]));
  assert.deepEqual(Object.fromEntries(codes), total.errors_by_code);
  await page.getByText("Show as a table").first().click();
  const hours = await report(service, "hour");
  const inTable = await rows(page, "by hour, as a table").evaluateAll((all) => all.map(({ cells }) => [cells[0].textContent.slice(0, 2), cells[1].textContent]));
  assert.deepEqual(inTable, hours.groups.map(({ group, figures }) => [group.slice(-2), whole.format(figures.turns)]).toReversed());
  await close(page);
});

test("what runs now is shown, and not when it isn't known", async () => {
  const page = await openLive(service);
  const [end] = service.model.inParts("Slowly", "One", "two");
  const answered = askAndWait(service, "Slowly");
  await page.getByText("Now: 1 running").waitFor();
  service.line.cut();
  await page.getByText("Now: – (not known)").waitFor();
  await page.getByText("These figures are from").waitFor();
  end();
  await answered;
  service.line.mend();
  await page.getByText("Now: 0 running").waitFor();
  await isLive(page);
  assert.equal(await page.getByText("These figures are from").isVisible(), false);
  await close(page);
});

test("after a restart of the service the figures are live again", async () => {
  const page = await openLive(service);
  const before = await counted();
  await cardHas(page, "Turns", whole.format(before));
  await service.restart({}, async () => {
    await page.getByText("These figures are from").waitFor();
    await page.getByText(/Next attempt in|Trying again/).waitFor();
    assert.equal(await card(page, "Turns"), whole.format(before));
  });
  await isLive(page);
  await askAndWait(service, "Are you back?");
  await cardHas(page, "Turns", whole.format(before + 1));
  await show(page, "Live");
  await page.getByText("turns of that time are missing here").waitFor();
  await close(page);
});

test("the tail shows turns at once, can be held, and is bounded", async () => {
  const page = await openLive(service, {}, "live");
  const session_id = await startSession(service);
  await page.getByText("Session began").waitFor();
  await askAndWait(service, "In the tail", { session_id });
  await page.getByText("Turn answered").waitFor();
  await askAndFail({ session_id });
  await page.getByText("Turn failed:").waitFor();
  const seen = await rows(page, "The latest turns and sessions").count();
  await page.getByRole("button", { name: "Hold still" }).click();
  await askAndWait(service, "While it is held");
  await page.getByText("Held still. 1 newer.").waitFor();
  assert.equal(await rows(page, "The latest turns and sessions").count(), seen);
  const questions = Array.from({ length: 220 }, (_, index) => `Number ${index}`);
  while (questions.length) await Promise.all(questions.splice(0, 10).map((question) => askAndWait(service, question)));
  await page.getByText("Held still. 221 newer.").waitFor();
  await page.getByRole("button", { name: "Go on", pressed: true }).click();
  await until("200 rows", async () => (await rows(page, "The latest turns and sessions").count()) === 200);
  await askAndWait(service, "The last one");
  await until("the last turn", async () => (await rows(page, "The latest turns and sessions").count()) === 200);
  await close(page);
});

test("a conversation is plain text, until it is erased", async () => {
  const session_id = await startSession(service);
  await askAndWait(service, MARKUP, { session_id });
  const page = await openLive(service, {}, "sessions");
  const opened = async (text) => {
    await page.locator("#view-sessions").getByTitle(session_id).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(text).first().waitFor();
    const texts = await dialog.locator(".text p").allTextContents();
    await page.keyboard.press("Escape");
    return texts;
  };
  assert.deepEqual(await opened("Hello"), [MARKUP, MARKUP], "the model repeats the question");
  assert.equal(await page.evaluate(() => window.broken), undefined);
  assert.equal((await call(service, "DELETE", `/api/session/${session_id}/content`)).status, 200);
  assert.deepEqual(await opened("The texts of this turn were erased"), []);
  await close(page);
});

test("the list of sessions says what is new and does not move", async () => {
  const page = await openLive(service, {}, "sessions");
  await page.locator("#view-sessions button.link").first().waitFor();
  const session_id = await startSession(service);
  await askAndWait(service, "Later", { session_id });
  await page.getByRole("button", { name: /Show \d+ changes? since/ }).waitFor();
  assert.equal(await page.locator("#view-sessions").getByTitle(session_id).count(), 0);
  await page.getByRole("button", { name: /Show \d+ changes? since/ }).click();
  await page.locator("#view-sessions").getByTitle(session_id).waitFor();
  assert.equal(await page.getByRole("button", { name: /Show \d+ changes? since/ }).count(), 0);
  await close(page);
});

test("a day without a log has no sessions", async () => {
  const page = await openLive(service, {}, "sessions");
  await page.locator("button.link").first().waitFor();
  await page.getByLabel("Day", { exact: true }).fill("2026-01-05");
  await page.getByText("No sessions on this day.").waitFor();
  await close(page);
});

test("sessions and days that cannot be read are named as missing", async () => {
  const page = await openLive(service, {}, "sessions");
  await page.locator("#view-sessions button.link").first().waitFor();
  const broken = { status: 503, json: { error: "The session log cannot be read", code: "session_log_unreadable" } };
  await page.route("**/api/admin/sessions?*", (route) => route.fulfill(broken), { times: 1 });
  await page.getByLabel("Day", { exact: true }).fill("2026-01-05");
  await page.getByText("The sessions could not be read. The session log cannot be read").waitFor();
  assert.equal(await page.locator("#view-sessions button.link").first().isVisible(), false);
  await page.getByLabel("Day", { exact: true }).fill("2026-01-06");
  await page.getByText("No sessions on this day.").waitFor();
  await page.route("**/api/admin/days", (route) => route.fulfill(broken), { times: 1 });
  await page.goto(page.url().replace("#sessions", "#today"));
  await page.reload();
  await page.getByText("The earlier days could not be read").waitFor();
  await page.getByText("The earlier days could not be read").waitFor({ state: "hidden" });
  await close(page);
});

test("all spending is paused and resumed, after a question", async () => {
  const page = await openLive(service);
  await page.getByRole("button", { name: "Pause all" }).click();
  const dialog = page.getByRole("dialog", { name: "Pause all spending?" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await askAndWait(service, "Not paused");
  await page.getByRole("button", { name: "Pause all" }).click();
  await dialog.getByRole("button", { name: "Pause all" }).click();
  await page.getByText("All spending is paused").waitFor();
  assert.equal((await ask(service, "Paused")).status, 503);
  await page.reload();
  await page.getByText("All spending is paused").waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause all" }).waitFor();
  await askAndWait(service, "Resumed");
  await close(page);
});

test("a site is paused and resumed, and a failure is said", async () => {
  const page = await openLive(sited, {}, "service");
  await page.route("**/api/admin/sites/shop/pause", (route) => route.fulfill({ status: 503, json: { error: "The database cannot be used", code: "storage_unavailable" } }), { times: 1 });
  await page.getByRole("button", { name: "Pause shop" }).click();
  const dialog = page.getByRole("dialog", { name: "Pause shop?" });
  await dialog.getByRole("button", { name: "Pause", exact: true }).click();
  await dialog.getByText("The database cannot be used").waitFor();
  await dialog.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("button", { name: "Resume shop" }).waitFor();
  const states = async () => (await call(sited, "GET", "/api/admin/sites")).body.map(({ id, is_paused: isPaused }) => [id, isPaused]);
  assert.deepEqual(await states(), [["blog", false], ["shop", true]]);
  await show(page, "Today");
  await page.getByText("Paused: shop.").waitFor();
  await show(page, "Service");
  await page.getByRole("button", { name: "Resume shop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause shop" }).waitFor();
  assert.deepEqual(await states(), [["blog", false], ["shop", false]]);
  await close(page);
});
