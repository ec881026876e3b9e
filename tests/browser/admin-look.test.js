// The operator's page for eyes, keyboards and screen readers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { askAndWait, close, openAdmin, openLive, show, startSession, TOKEN } from "./admin_page.js";
import { accessibilityViolations, screenshot, SCREENS } from "./page_checks.js";
import { startService, until } from "./service.js";

const LOOKS = {
  light: { viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  phone: { ...SCREENS.phone, colorScheme: "light" },
  "dark phone": { ...SCREENS.phone, colorScheme: "dark" },
};

let service, sited, empty, guarded;
before(async () => {
  const sites = '[[sites]]\nid = "shop"\norigins = ["https://shop.example"]\n';
  service = await startService({ SESSION_LOG_CONTENT: "on", LIMIT_TOTAL: "10/day" });
  sited = await startService({}, sites);
  empty = await startService();
  guarded = await startService({ ADMIN_TOKEN: TOKEN });
  const session_id = await startSession(service);
  for (const question of ["Hello", "How are you?", "What does it cost to send a parcel to Norway?"]) await askAndWait(service, question, { session_id });
});
after(() => Promise.all([service, sited, empty, guarded].map((it) => it?.close())));

for (const [look, options] of Object.entries(LOOKS)) {
  test(`no accessibility violations: ${look}`, async (t) => {
    t.after(() => service.line.mend());
    const page = await openLive(service, options);
    const check = async (state) => {
      assert.deepEqual(await accessibilityViolations(page), [], state);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, `${state} is too wide`);
      await screenshot(page, `admin-${look}-${state}`);
    };
    await page.getByText("gpt-4o-mini").first().waitFor();
    await check("today");
    await page.getByText("Show as a table").first().click();
    await check("table");
    await show(page, "Sessions");
    await page.getByRole("button", { name: "session_" }).or(page.locator("button.link")).first().click();
    await page.getByText("send a parcel to Norway").first().waitFor();
    await check("session");
    await page.keyboard.press("Escape");
    await check("sessions");
    await show(page, "Live");
    await askAndWait(service, "One more");
    await page.getByText("Turn answered").first().waitFor();
    await check("live");
    await show(page, "Service");
    await check("service");
    await page.getByRole("button", { name: "Pause all" }).click();
    await check("question");
    await page.keyboard.press("Escape");
    service.line.cut();
    await page.getByText("These figures are from").waitFor();
    await check("lost");
    await close(page);
  });

  test(`no accessibility violations in the form: ${look}`, async () => {
    const page = await openAdmin(guarded, options);
    await page.getByLabel("Operator's token").waitFor();
    assert.deepEqual(await accessibilityViolations(page), []);
    await page.getByRole("button", { name: "Open" }).click();
    await screenshot(page, `admin-${look}-form`);
    await close(page);
  });
}

test("a day without turns says so", async () => {
  const page = await openLive(empty);
  assert.equal(await page.getByText("No turns today yet.").filter({ visible: true }).count(), 2);
  await page.getByText("No errors today.").waitFor();
  await page.getByText("No limit is used up to 80 %.").waitFor();
  await show(page, "Sessions");
  await page.getByText("No sessions on this day.").waitFor();
  await show(page, "Live");
  await page.getByText("Nothing has happened since this page was opened.").waitFor();
  await show(page, "Service");
  await page.getByText("No sites are set.").waitFor();
  await close(page);
});

/** Returns the name of the focused element. */
const focused = (page) =>
  page.evaluate(() => {
    const { activeElement: it } = document;
    return it.ariaLabel || it.closest("label")?.querySelector("span")?.textContent || it.textContent.trim();
  });

/** Presses a key until the element with this beginning of a name is focused. */
async function tabTo(page, name, key = "Tab") {
  for (let steps = 0; !(await focused(page)).startsWith(name); steps++) {
    assert.ok(steps < 30, `no way to ${name}, but to ${await focused(page)}`);
    await page.keyboard.press(key);
  }
}

test("everything works by keyboard alone", async () => {
  const page = await openLive(service);
  const { keyboard } = page;
  await tabTo(page, "Turns");
  await keyboard.press("ArrowRight");
  await keyboard.press("ArrowRight");
  await page.getByRole("heading", { name: "Cost by hour" }).waitFor();
  await tabTo(page, "Show as a table");
  await keyboard.press("Enter");
  await page.getByRole("region", { name: "by hour, as a table" }).waitFor();
  await tabTo(page, "Model");
  await keyboard.press("ArrowRight");
  await page.getByText("No site").first().waitFor();
  await tabTo(page, "Sessions", "Shift+Tab");
  await keyboard.press("Enter");
  await page.locator("button.link").first().waitFor();
  await tabTo(page, "…");
  const opened = await focused(page);
  await keyboard.press("Enter");
  await page.getByRole("dialog").getByText("How are you?").first().waitFor();
  await keyboard.press("Escape");
  assert.equal(await focused(page), opened, "the focus returns");
  await close(page);
});

test("a site is paused and resumed by keyboard alone", async () => {
  const page = await openLive(sited);
  const { keyboard } = page;
  await tabTo(page, "Service");
  await keyboard.press("Enter");
  await tabTo(page, "Pause shop");
  await keyboard.press("Enter");
  assert.equal(await focused(page), "Cancel");
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await page.getByRole("cell", { name: "Paused", exact: true }).waitFor();
  assert.equal(await focused(page), "Resume shop");
  await keyboard.press("Enter");
  await tabTo(page, "Resume");
  await keyboard.press("Enter");
  await page.getByRole("cell", { name: "Answers", exact: true }).waitFor();
  await close(page);
});

test("a lost connection and its end are announced", async () => {
  const page = await openLive(empty);
  const said = () => page.getByRole("status").first().textContent();
  assert.equal(await said(), "");
  empty.line.cut();
  await until("the announcement", async () => (await said()) === "Connection lost: the figures are old.");
  empty.line.mend();
  await until("the announcement", async () => (await said()) === "Connected: the figures are live.");
  await close(page);
});
