// The service under test: the compiled program, a fake model and a browser.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

import { chromium } from "playwright-core";

import { startModel } from "./model.js";

const PROGRAM = process.env.AL_CHAT_PROGRAM;
const TEST_TIMEOUT = 15_000;
const SWITCHES = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Host names for other sites, without a name server.
  "--host-resolver-rules=MAP *.example 127.0.0.1",
];

/** Returns the POST requests to a path. */
export const posts = (requests, path) =>
  requests.filter((request) => request.method() === "POST" && request.url().endsWith(path));

/** Polls `look` until it returns a true value. */
export async function until(what, look) {
  for (const end = Date.now() + TEST_TIMEOUT; Date.now() < end; await pause(10)) {
    const found = await look();
    if (found) return found;
  }
  assert.fail(`waited too long for ${what}`);
}

async function startProgram(dir, model, others) {
  const settings = {
    PORT: "0",
    OPENAI_BASE_URL: model.url,
    OPENAI_API_KEY: "sk-fake",
    PAPITA_API_URL: "http://127.0.0.1:9",
    ALLOWED_MODELS: "other-model",
    MODEL_RETRIES: "0",
    // Longer than the grace period of a turn without a reader.
    MODEL_IDLE_TIMEOUT: "60s",
    BREAKER_FAILURE_RATE: "0",
    SESSION_LOG_TIMEZONE: "UTC",
    ...others,
  };
  const child = spawn(PROGRAM, { cwd: dir, env: settings, stdio: ["ignore", "ignore", "pipe"] });
  const lines = createInterface({ input: child.stderr });
  const port = await new Promise((resolve, reject) => {
    child.on("exit", () => reject(new Error("the program has ended")));
    lines.on("line", (line) => {
      const said = /AL-Chat listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
      if (said) resolve(Number(said[1]));
    });
  });
  return { child, port };
}

/** A TCP proxy in front of the program whose connections can be broken. */
async function startProxy(port) {
  const ends = new Set();
  let isCut = false;
  const server = net.createServer((near) => {
    if (isCut) return near.destroy();
    const far = net.connect(port, "127.0.0.1");
    for (const [end, other] of [[near, far], [far, near]]) {
      ends.add(end);
      end.on("error", () => {}).on("close", () => (ends.delete(end), other.destroy()));
      end.pipe(other);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const breakAll = () => ends.forEach((end) => end.destroy());
  return {
    port: server.address().port,
    /** Breaks every connection; new ones work. */
    breakAll,
    /** Breaks every connection and rejects new ones. */
    cut: () => ((isCut = true), breakAll()),
    mend: () => (isCut = false),
    close: () => (breakAll(), server.close()),
  };
}

/** Serves a website with these pages by path: `{ body, headers }`. Pages can be added later. */
export async function startSite(pages) {
  const server = createServer((request, response) => {
    const page = pages[new URL(request.url, "http://site").pathname];
    response.writeHead(page ? 200 : 404, { "content-type": "text/html; charset=utf-8", ...page?.headers });
    response.end(page?.body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: server.address().port, close: () => (server.closeAllConnections(), server.close()) };
}

/** Ends a program as an operator does. */
async function endProgram(child) {
  const ended = new Promise((resolve) => child.on("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

/**
 * Starts a fake model, the program with this `al-chat.toml`, and a browser. `prepare` gets the program's folder before it
 * starts.
 */
export async function startService(settings = {}, configuration = "", prepare = async () => {}) {
  const dir = await mkdtemp(join(tmpdir(), "al-chat-browser-"));
  await writeFile(join(dir, "al-chat.toml"), configuration);
  await prepare(dir);
  const model = await startModel();
  let { child, port } = await startProgram(dir, model, settings);
  const line = await startProxy(port);
  const profile = join(dir, "profile");
  await mkdir(join(profile, "Default"), { recursive: true });
  const blocked = { profile: { block_third_party_cookies: true, cookie_controls_mode: 1 } };
  await writeFile(join(profile, "Default", "Preferences"), JSON.stringify(blocked));
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: SWITCHES });
  const sites = [];
  return {
    model,
    browser,
    port,
    line,
    /** Returns a browser with a separate profile that blocks third-party cookies. */
    strictBrowser: () => chromium.launchPersistentContext(profile, { executablePath, args: SWITCHES }),
    /** Opens a tab with its own context, at the demo page by default. */
    async tab(options = {}, path = "/embed-demo") {
      const context = await browser.newContext({ viewport: { width: 1000, height: 800 }, ...options });
      return this.tabIn(context, path);
    },
    /** Opens another tab in the same context. */
    async tabIn(context, path) {
      const tab = new Tab(await context.newPage());
      await tab.page.goto(`http://127.0.0.1:${line.port}${path}`);
      return tab;
    },
    /** Serves another website with these pages by path: `{ body, headers }`. */
    async site(pages) {
      const site = await startSite(pages);
      sites.push(site);
      return site;
    },
    /** Returns the session log's lines of this event. */
    async log(event) {
      const folder = join(dir, "SessionLog");
      const names = (await readdir(folder)).filter((name) => name.endsWith(".log"));
      const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
      const lines = texts.join("").split("\n").filter(Boolean).map((line) => JSON.parse(line));
      return lines.filter((line) => line.event === event);
    },
    /** Ends the program, and starts it again at the same port after `meanwhile`. */
    async restart(changes = {}, meanwhile = async () => {}) {
      await endProgram(child);
      await meanwhile();
      ({ child } = await startProgram(dir, model, { ...settings, ...changes, PORT: String(port) }));
    },
    async close() {
      await browser.close();
      for (const site of sites) site.close();
      await endProgram(child);
      line.close();
      model.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A tab with a chat window in it. */
export class Tab {
  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(TEST_TIMEOUT);
    this.window = page.locator("al-chat-window");
    this.input = page.locator("textarea");
    this.answer = page.locator(".answer .body").last();
    this.trouble = page.locator(".turn .trouble");
    this.send = page.getByRole("button", { name: "Send" });
    this.stop = page.getByRole("button", { name: "Stop" });
    this.retry = page.getByRole("button", { name: "Try again" });
  }

  /** Sends a question as the visitor of this device does. On phones, Enter makes a line. */
  async ask(text) {
    await this.input.fill(text);
    const isPhone = await this.page.evaluate(() => matchMedia("(hover: none) and (pointer: coarse)").matches);
    if (isPhone) await this.page.locator("[part~=send]").tap();
    else await this.input.press("Enter");
  }

  /** Waits until the last answer has this text. */
  async reads(text) {
    await until(`the answer ${JSON.stringify(text)}`, async () => (await this.answerText()) === text.trim());
  }

  answerText() {
    return this.answer.textContent({ timeout: 500 }).catch(() => undefined);
  }

  /** Waits until the answer is complete. */
  async isDone() {
    await until("the end of the answer", () => this.window.evaluate((window) => !window.busy));
  }

  async askAndWait(text) {
    await this.ask(text);
    await this.isDone();
  }

  /** Collects the requests of the page from now on. */
  requests() {
    const requests = [];
    this.page.on("request", (request) => requests.push(request));
    return requests;
  }

  close() {
    return this.page.context().close();
  }
}
