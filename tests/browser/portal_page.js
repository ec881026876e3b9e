// The portal as a test sees it: its path, its conversation, and the mood of Amaya's face.
import { until } from "./service.js";

export const PORTAL = "/";

/** Returns the questions and answers in a tab. */
export const shown = ({ page }) => page.locator(".turn .text, .turn .body").allTextContents();

/** Waits until a tab shows these questions and answers. */
export const shows = (tab, ...texts) =>
  until(`a conversation of ${JSON.stringify(texts)}`, async () => (await shown(tab)).join("|") === texts.join("|"));

export const mood = ({ page }) => page.locator("body").getAttribute("data-mood");
export const greeting = ({ page }) => page.locator("[part~=greeting]");

/** Dispatches the event of a page that becomes visible again. */
export const becomeVisible = ({ page }) => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
