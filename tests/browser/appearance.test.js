// The appearance of the window: accessibility, motion, layout shifts and small screens.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { accessibilityViolations, layoutShifts, screenshot, SCREENS } from "./page_checks.js";
import { startService } from "./service.js";

const ANSWER = `Certainly! Here is a **short plan** with \`code\`:

1. Read the [opening hours](https://shop.example/hours)
2. Write them down
   - weekdays
   - weekends

\`\`\`js
const hours = { monday: "9 to 5" };
\`\`\`

| Day | Open |
|---|---|
| Monday | 9 to 5 |
| Sunday | closed |

> Nobody works on Sundays.`;

let service;
before(async () => {
  service = await startService();
  service.model.when("Plan", ...Array(20).fill((call) => (call.say(ANSWER), call.done())));
  service.model.when("Fail", ...Array(20).fill((call) => call.refuse(429, { "retry-after": "30" })));
  service.model.when("Wait", ...Array(20).fill((call) => call.say("So far")));
});
after(() => service.close());

for (const colorScheme of ["light", "dark"]) {
  for (const [screen, options] of Object.entries(SCREENS)) {
    test(`no accessibility violations: ${screen}, ${colorScheme}`, async () => {
      const tab = await service.tab({ ...options, colorScheme });
      const check = async (state) => {
        assert.deepEqual(await accessibilityViolations(tab.page), [], state);
        await tab.window.scrollIntoViewIfNeeded();
        await screenshot(tab.page, `${screen}-${colorScheme}-${state}`);
      };
      await check("empty");
      await tab.page.locator("input[type=file]").setInputFiles({ name: "hours.csv", mimeType: "text/csv", buffer: Buffer.from("a") });
      await tab.page.getByRole("button", { name: "Remove hours.csv" }).waitFor();
      await check("file");
      await tab.page.getByRole("button", { name: "Remove hours.csv" }).click();
      await tab.askAndWait("Plan");
      await check("conversation");
      await tab.askAndWait("Fail");
      await check("failed");
      await tab.ask("Wait");
      await tab.reads("So far");
      await check("writing");
      await tab.stop.click();
      await tab.window.evaluate((window) => (window.mode = "bubble"));
      await check("bubble-closed");
      await tab.page.getByRole("button", { name: "Open chat" }).click();
      await check("bubble-open");
      await tab.close();
    });
  }
}

test("reduced motion stops animations", async () => {
  const moving = { reduce: 0, "no-preference": 1 };
  for (const [reducedMotion, expected] of Object.entries(moving)) {
    const tab = await service.tab({ reducedMotion });
    service.model.when(reducedMotion, () => {});
    await tab.ask(reducedMotion);
    await tab.page.locator(".dots").waitFor();
    const running = await tab.window.evaluate((window) => window.shadowRoot.getAnimations().length);
    assert.equal(running, expected, reducedMotion);
    await tab.close();
  }
});

test("the first paint has no layout shift", async () => {
  const tab = await service.tab();
  assert.deepEqual(await layoutShifts(tab.page), []);
  await tab.close();
});

test("on a phone nothing exceeds the screen and fields do not zoom", async () => {
  const tab = await service.tab(SCREENS.phone);
  await tab.askAndWait("Plan");
  assert.equal(await tab.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  assert.equal(await tab.input.evaluate((input) => parseFloat(getComputedStyle(input).fontSize) >= 16), true);
  await tab.window.evaluate((window) => ((window.mode = "bubble"), window.open()));
  const box = await tab.page.locator(".panel").boundingBox();
  assert.deepEqual([box.x, box.y, box.width, box.height], [0, 0, 390, 780]);
  await tab.close();
});
