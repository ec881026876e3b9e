// The demo page around the chat window: the lines to copy, and its looks.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { accessibilityViolations } from "./page_checks.js";
import { startService } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service?.close());

test("the lines are copied, on plain http, too", async () => {
  for (const host of ["127.0.0.1", "chat.example"]) {
    const tab = await service.tab({ permissions: ["clipboard-read", "clipboard-write"] });
    await tab.page.goto(`http://${host}:${service.port}/embed-demo`);
    assert.equal(await tab.page.evaluate(() => isSecureContext), host === "127.0.0.1");
    await tab.page.getByRole("button", { name: "Copy" }).click();
    await tab.page.getByRole("button", { name: "Copied" }).waitFor();
    await tab.input.focus();
    await tab.page.keyboard.press("Control+V");
    const script = `<script type="module" src="http://${host}:${service.port}/chat-window.js"></script>`;
    assert.equal(await tab.input.inputValue(), `${script}\n<al-chat-window></al-chat-window>`);
    await tab.close();
  }
});

test("the demo page is accessible and fits a phone, in light and dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const tab = await service.tab({ colorScheme, viewport: { width: 320, height: 568 } });
    assert.deepEqual(await accessibilityViolations(tab.page), [], colorScheme);
    assert.equal(await tab.page.evaluate(() => document.documentElement.scrollWidth), 320);
    const isLight = await tab.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor === "rgb(246, 246, 244)");
    assert.equal(isLight, colorScheme === "light");
    await tab.close();
  }
});
