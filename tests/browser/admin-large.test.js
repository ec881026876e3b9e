// The operator's page on a day of 100,000 turns in 5,000 sessions.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { askAndWait, cardHas, close, openLive, show } from "./admin_page.js";
import { startService, until } from "./service.js";

const TURNS = 100_000;
const SESSIONS = 5000;
/** The longest time, in ms, for which the page may not answer a key or a click. */
const MOST_BUSY = 250;

let service;
before(async () => {
  service = await startService({}, "", writeLog);
});
after(() => service?.close());

/** Writes a session log of today, as an earlier version did. */
async function writeLog(dir) {
  const date = new Date().toISOString().slice(0, 10);
  const lines = Array.from({ length: TURNS }, (_, index) => {
    const session = index % SESSIONS;
    const isError = index % 50 === 0;
    // All in the first second of the day, which is over whenever the test runs.
    const timestamp = `${date}T00:00:00.${String(index % 1_000_000).padStart(6, "0")}+00:00`;
    return JSON.stringify({
      event: "chat",
      timestamp,
      date,
      request_id: `old-${index}`,
      session_id: `session_20261201_000000_${String(session).padStart(16, "0")}`,
      username: `guest_${session}`,
      is_guest: true,
      persona: `persona-${index % 40}`,
      model: `model-${index % 20}`,
      requested_model: `model-${index % 20}`,
      prompt_tokens: 14,
      completion_tokens: 9,
      total_tokens: 23,
      usage_source: "provider",
      cost_usd: 0.0001,
      latency_ms: 100 + (index % 1000),
      model_ms: 100,
      first_word_ms: 80,
      stream: false,
      attempts: 1,
      status: isError ? 502 : 200,
      code: isError ? "model_failed" : null,
      finish: isError ? "upstream_error" : "complete",
      credential_source: "local_env",
      message_chars: 28,
      answer_chars: 29,
    });
  });
  await mkdir(join(dir, "SessionLog"));
  await writeFile(join(dir, "SessionLog", `session_${date}.log`), `${lines.join("\n")}\n`);
}

/** Measures from now on how long the page is busy without a break. Returns a function with the longest time in ms. */
async function measureBusy(page) {
  await page.evaluate(() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ type: "longtask" });
  });
  return () => page.evaluate(() => window.longest);
}

test("figures, sessions and the tail stay quick", async () => {
  const page = await openLive(service);
  await cardHas(page, "Turns", "100,000");
  await cardHas(page, "Errors", "2,000");
  const longest = await measureBusy(page);
  for (const name of ["Visitors", "Cost", "Errors", "Turns"]) {
    await page.getByRole("radio", { name: new RegExp(`^${name}`) }).check();
    await page.getByRole("heading", { name: `${name} by hour` }).waitFor();
  }
  await page.getByRole("radio", { name: "Persona" }).check();
  await page.getByText("persona-39").waitFor();
  await show(page, "Live");
  for (let turn = 0; turn < 20; turn++) await askAndWait(service, "Meanwhile");
  await until("the new turns", async () => (await page.getByText("Turn answered").count()) === 20);
  await show(page, "Today");
  await cardHas(page, "Turns", "100,020");
  assert.ok((await longest()) < MOST_BUSY, `${await longest()} ms`);
  await close(page);
});

test("all 5,000 sessions can be read, a hundred at a time", async () => {
  const page = await openLive(service, {}, "sessions");
  await page.locator("button.link").first().waitFor();
  const longest = await measureBusy(page);
  const seen = new Set();
  for (;;) {
    const titles = await page.locator("button.link").evaluateAll((all) => all.map(({ title }) => title));
    assert.ok(titles.length <= 100);
    titles.forEach((title) => seen.add(title));
    const older = page.getByRole("button", { name: "Older" });
    if (await older.isDisabled()) break;
    await older.click();
    await until("the next page", async () => (await page.locator("button.link").first().getAttribute("title")) !== titles[0]);
  }
  assert.equal([...seen].filter((id) => id.startsWith("session_20261201_000000_")).length, SESSIONS);
  await page.getByRole("button", { name: "Newer" }).click();
  await page.locator("button.link").first().click();
  await until("its 20 turns", async () => (await page.getByRole("dialog").locator("article").count()) === TURNS / SESSIONS);
  assert.ok((await longest()) < MOST_BUSY, `${await longest()} ms`);
  assert.ok((await page.locator("*").count()) < 3000);
  await close(page);
});
