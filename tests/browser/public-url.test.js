// The service below a path of a website, with `PUBLIC_URL`: behind nginx with TLS that passes the path on, and behind one that
// removes it.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

import { enter, isLive, TOKEN as ADMIN_TOKEN } from "./admin_page.js";
import { greeting, shows } from "./portal_page.js";
import { startService, Tab, until } from "./service.js";

const LOCATION = new URL("../../ops/nginx-path.conf", import.meta.url);

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Returns the status and the text of an address, as a page gets them. */
const fetched = ({ page }, url) =>
  page.evaluate((asked) => fetch(asked).then(async (answer) => [answer.status, await answer.text()]), url);

/** Whether a server with TLS answers at a port. */
const answers = (port) =>
  new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, rejectUnauthorized: false }, (answer) => (answer.resume(), resolve(true)));
    asked.on("error", () => resolve(false)).end();
  });

/** Starts nginx as the website shop.example with TLS; `change` changes what ops/nginx-path.conf says. */
async function startNginx(port, servicePort, change) {
  const dir = await mkdtemp(join(tmpdir(), "al-chat-nginx-"));
  const [key, certificate] = [join(dir, "key.pem"), join(dir, "certificate.pem")];
  await promisify(execFile)("openssl", [
    ..."req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=shop.example -keyout".split(" "), key, "-out", certificate,
  ]);
  const text = await readFile(LOCATION, "utf8");
  await writeFile(join(dir, "location.conf"), change(text.replace("127.0.0.1:5000", `127.0.0.1:${servicePort}`)));
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${dir}/${name};`);
  await writeFile(
    join(dir, "nginx.conf"),
    `${process.getuid() ? "" : "user root;"}
    pid ${dir}/nginx.pid; error_log ${dir}/error.log; daemon off; events {}
    http {
      access_log off; ${folders.join(" ")}
      server {
        listen 127.0.0.1:${port} ssl; server_name shop.example;
        ssl_certificate ${certificate}; ssl_certificate_key ${key};
        include ${dir}/location.conf;
        location / { return 404; }
      }
    }`,
  );
  const child = spawn("nginx", ["-e", join(dir, "error.log"), "-c", join(dir, "nginx.conf")], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  await until("nginx", () => answers(port));
  return async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(dir, { recursive: true, force: true });
  };
}

const KINDS = {
  "passes the path on": (location) => location,
  "removes the path": (location) => location.replace(/proxy_pass (.*);/, "proxy_pass $1/;"),
};

for (const [kind, change] of Object.entries(KINDS)) {
  describe(`behind nginx that ${kind}`, () => {
    let service;
    let stopNginx;
    let base;
    before(async () => {
      const port = await freePort();
      base = `https://shop.example:${port}/chat/`;
      service = await startService({ PUBLIC_URL: base, PROXIES: "1", ADMIN_TOKEN });
      stopNginx = await startNginx(port, service.port, change);
    });
    after(async () => {
      await stopNginx?.();
      await service?.close();
    });

    /** Opens a page behind nginx. `wrong` lists what it requests beside the path, or without success. */
    async function open(path) {
      const context = await service.browser.newContext({ viewport: { width: 1000, height: 800 }, ignoreHTTPSErrors: true });
      const tab = new Tab(await context.newPage());
      const wrong = [];
      tab.page.on("response", (response) => {
        const [status, url] = [response.status(), response.url()];
        if ((status >= 400 || !url.startsWith(base)) && !url.endsWith("/favicon.ico")) wrong.push([status, url]);
      });
      await tab.page.goto(base + path);
      return { tab, wrong };
    }

    test("the portal stores a conversation, with a cookie of the path", async () => {
      const { tab, wrong } = await open("");
      await tab.page.getByRole("button", { name: "online" }).waitFor();
      await greeting(tab).getByText("Hey you").waitFor();
      await tab.askAndWait("Below a path");
      const cookies = await tab.page.context().cookies();
      const shown = cookies.map(({ name, path, secure, httpOnly, sameSite }) => [name, path, secure, httpOnly, sameSite]);
      assert.deepEqual(shown, [["__Secure-al_chat_visitor", "/chat/", true, true, "Lax"]]);
      await tab.page.evaluate(() => sessionStorage.clear());
      await tab.page.reload();
      await shows(tab, "Below a path", "Below a path");
      const links = await tab.page.locator("a").evaluateAll((all) => all.map(({ href }) => href));
      for (const link of links) {
        assert.ok(link.startsWith(base), link);
        assert.equal((await fetched(tab, link))[0], 200, link);
      }
      assert.deepEqual(wrong, []);
      await tab.close();
    });

    test("the address without its slash leads to the portal", async () => {
      const { tab } = await open("");
      await tab.page.goto(base.slice(0, -1));
      assert.equal(tab.page.url(), base);
      await greeting(tab).getByText("Hey you").waitFor();
      await tab.close();
    });

    test("the lines of the demo page embed the window elsewhere", async () => {
      const { tab, wrong } = await open("embed-demo");
      const lines = await tab.page.locator("#lines").textContent();
      assert.ok(lines.startsWith(`<script type="module" src="${base}chat-window.js"></script>\n<al-chat-window>`), lines);
      await tab.askAndWait("From the demo page");
      await tab.reads("From the demo page");
      assert.deepEqual(wrong, []);
      const site = await service.site({ "/": { body: `<!doctype html><title>Shop</title>${lines}` } });
      await tab.page.goto(`http://127.0.0.1:${site.port}/`);
      await tab.askAndWait("From a site with these lines");
      await tab.reads("From a site with these lines");
      await tab.close();
    });

    test("the API reference and the contract have the address", async () => {
      const { tab, wrong } = await open("docs");
      const operation = tab.page.locator(".opblock").filter({ hasText: "/api/health/live" }).first();
      await operation.locator(".opblock-summary").first().click();
      await operation.getByRole("button", { name: "Try it out" }).click();
      const answered = tab.page.waitForResponse((response) => response.url().includes("health/live"));
      await operation.getByRole("button", { name: "Execute" }).click();
      const answer = await answered;
      assert.deepEqual([answer.url(), answer.status()], [`${base}api/health/live`, 200]);
      const [, contract] = await fetched(tab, `${base}openapi.json`);
      assert.equal(JSON.parse(contract).servers[0].url, base);
      assert.deepEqual(wrong, []);
      await tab.close();
    });

    test("the operator's page is live", async () => {
      const { tab, wrong } = await open("admin");
      await tab.page.getByLabel("Operator's token").waitFor();
      // The page has asked without the token.
      wrong.length = 0;
      await enter(tab.page, ADMIN_TOKEN);
      await isLive(tab.page);
      assert.deepEqual(wrong, []);
      await tab.close();
    });

    test("the metrics are not passed on", async () => {
      const { tab } = await open("");
      assert.equal((await fetched(tab, `${base}metrics`))[0], 404);
      await tab.close();
    });
  });
}
