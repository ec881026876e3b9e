// The operator's page as a test sees it, and the requests by which a test gives it something to show.
import assert from "node:assert/strict";

import { until } from "./service.js";

export const ADMIN = "/admin";
export const TOKEN = "Wq8nR2vTz5LxYb1kCd7uHs9aFg3eJm6P";

/** Opens the operator's page in a tab with its own storage. */
export async function openAdmin(service, options = {}, view = "today") {
  const { page } = await service.tab({ viewport: { width: 1280, height: 900 }, ...options }, `${ADMIN}#${view}`);
  return page;
}

/** Opens the page, and waits until its figures are live. */
export async function openLive(service, options, view) {
  const page = await openAdmin(service, options, view);
  await isLive(page);
  return page;
}

/** Waits until the figures of a page are present ones. */
export const isLive = (page) => page.getByText("Live", { exact: true }).and(page.locator(".mark")).waitFor();

/** Shows a part of the page. */
export const show = (page, view) => page.getByRole("navigation", { name: "Parts of this page" }).getByRole("link", { name: view }).click();

/** Enters a token in the form. */
export async function enter(page, token) {
  await page.getByLabel("Operator's token").fill(token);
  await page.getByRole("button", { name: "Open" }).click();
}

/** Returns the number in a card of today's figures. */
export const card = (page, name) => page.locator(".figure", { has: page.getByText(name, { exact: true }) }).locator("strong").textContent();

/** Waits until a card has a number. */
export const cardHas = (page, name, text) => until(`${name} ${text}`, async () => (await card(page, name)) === text);

/** Closes the tab of a page. */
export const close = (page) => page.context().close();

/** Makes a request to the service, not by the page. */
export async function call(service, method, path, body, headers = {}) {
  const response = await fetch(`http://127.0.0.1:${service.port}${path}`, {
    method,
    headers: { ...(body && { "content-type": "application/json" }), ...headers },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** Starts a session, and returns its id. */
export async function startSession(service) {
  const { body } = await call(service, "POST", "/api/session/start");
  return body.session_id;
}

/** Asks a question and waits for its answer. Returns the response. */
export const ask = (service, message, others = {}) => call(service, "POST", "/api/chat", { message, ...others });

/** Asks a question that must be answered. */
export async function askAndWait(service, message, others) {
  const { status, body } = await ask(service, message, others);
  assert.equal(status, 200, JSON.stringify(body));
}

/** Returns the figures of the log's report, with headers of the operator. */
export async function report(service, by) {
  const { body } = await call(service, "GET", `/api/admin/usage${by ? `?by=${by}` : ""}`);
  return body;
}
