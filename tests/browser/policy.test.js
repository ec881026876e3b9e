// What the window needs of a strict Content-Security-Policy, and what a model's text can do in it: nothing but be read.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startService, Tab, until } from "./service.js";

let service;
before(async () => (service = await startService()));
after(() => service?.close());

/** The address of the service on another host than the site's. */
const api = () => `http://chat.example:${service.port}`;

/** The policy that docs/embedding.md names, with nothing else allowed but the page's own scripts. */
const policy = () =>
  `default-src 'none'; script-src 'self' ${api()}; connect-src ${api()}; ` +
  "require-trusted-types-for 'script'; trusted-types 'none'";

/** Starts a site whose pages have the window and the strict policy. */
const strictSite = (lines, ...paths) => {
  const body = `<!doctype html><title>Shop</title><script type="module" src="${api()}/chat-window.js"></script>${lines}`;
  const page = { body, headers: { "content-security-policy": policy() } };
  return service.site(Object.fromEntries(["/", ...paths].map((path) => [path, page])));
};

/** What the browser says by itself: of its search for an icon, and of a response that a test wants to fail. */
const EXPECTED = /favicon|status of 502/;

/** Collects what a page and its browser complain of: violations of the policy, errors and warnings. */
async function complaintsOf(page) {
  const complaints = [];
  await page.exposeFunction("complain", (text) => complaints.push(text));
  await page.addInitScript(() => {
    const report = ({ violatedDirective, blockedURI, sample }) => complain(`${violatedDirective} ${blockedURI} ${sample}`);
    document.addEventListener("securitypolicyviolation", report);
  });
  const isComplaint = (message) => ["error", "warning"].includes(message.type()) && !EXPECTED.test(message.text());
  page.on("console", (message) => isComplaint(message) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  return complaints;
}

test("the window works cross-origin under a strict policy", async () => {
  const site = await strictSite("<al-chat-window></al-chat-window>");
  const browser = await service.strictBrowser();
  const page = await browser.newPage();
  const complaints = await complaintsOf(page);
  const tab = new Tab(page);
  const requests = tab.requests();

  await page.goto(`http://shop.example:${site.port}/`);
  await tab.askAndWait("Hello from the shop");
  await tab.reads("Hello from the shop");
  await page.locator("input[type=file]").setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
  service.model.when("[Attached file 1: a.txt]\n\na\n\n---\n\nRead", (call) => (call.say("# Read\n\n```\na\n```"), call.done()));
  await tab.askAndWait("Read");
  // The window is styled although the site allows no inline styles.
  const position = await page.locator(".panel").evaluate((panel) => getComputedStyle(panel).flexDirection);
  assert.equal(position, "column");
  await page.reload();
  await tab.answer.locator("h3").waitFor();

  const own = requests.filter((request) => !request.url().startsWith(`http://shop.example:${site.port}/`));
  assert.ok(own.length >= 4);
  for (const request of own) {
    assert.ok(request.url().startsWith(`${api()}/`), request.url());
    assert.equal((await request.allHeaders()).cookie, undefined);
  }
  assert.deepEqual(await browser.cookies(), []);
  assert.deepEqual(complaints, []);
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
  await browser.close();
});

test("every feature of a bubble satisfies a strict policy", async () => {
  const site = await strictSite('<a href="/next">Next</a><al-chat-window mode="bubble"></al-chat-window>', "/next");
  const page = await service.browser.newPage();
  const complaints = await complaintsOf(page);
  const tab = new Tab(page);
  await page.goto(`http://shop.example:${site.port}/`);
  await page.getByRole("button", { name: "Open chat" }).click();
  const text = "| a | b |\n|--:|:-:|\n| 1 | 2 |\n\n```js\nlet x;\n```\n\n- [ ] open\n\nשלום <think>aside</think> $x^2$";
  service.model.when("Show all", (call) => (call.say(text), call.done()));
  await tab.askAndWait("Show all");
  for (const copy of await page.getByRole("button", { name: "Copy" }).all()) await copy.click();
  service.model.when("Fail", (call) => call.refuse(500));
  await tab.askAndWait("Fail");
  await tab.retry.click();
  await tab.isDone();
  await tab.input.fill("line\n".repeat(40));
  await page.setViewportSize({ width: 390, height: 600 });
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await page.pdf();
  await page.emulateMedia({ media: "screen", colorScheme: "light" });
  await page.locator("al-chat-window").evaluate((window) => {
    window.strings = { send: "Go" };
    window.theme = "dark";
    window.close();
    document.body.append(window);
  });
  await page.getByRole("link", { name: "Next" }).click();
  await page.getByRole("button", { name: "chat" }).first().click();
  await page.locator("al-chat-window").evaluate((window) => window.clear());
  assert.deepEqual(complaints, []);
  await page.close();
});

const ATTACKS = [
  "<img src=nowhere onerror=hacked=1><video src=nowhere onerror=hacked=1>",
  "<svg><animate onbegin=hacked=1 attributeName=x dur=1s></svg>",
  "<details open ontoggle=hacked=1><summary>a</summary></details>",
  "<math><mtext><style>*{display:none}</style></mtext></math><base href=//evil.example>",
  "<BR ONCLICK=hacked=1>a<br\tstyle='position:fixed'>b<br/ onmouseover=hacked=1>",
  "&lt;script&gt;hacked=1&lt;/script&gt; &#x3c;img src=nowhere onerror=hacked=1&#x3e; &amp;lt;b onclick=hacked=1&amp;gt;",
  "[a](javascript:hacked=1) [b](\tjava\nscript:hacked=1) [c](vbscript:hacked=1) [d](&#x6A;avascript&colon;hacked=1)",
  "[e](data:text/html;base64,PHNjcmlwdD4=) [f](//evil.example/x) [g](file:///etc/passwd) [h](blob:x) [i](%6Aavascript:hacked=1)",
  "![k](https://evil.example/pixel.png) ![l](data:image/svg+xml,<svg onload=hacked=1>) ![m][n]\n\n[n]: https://evil.example/n.png",
  "<javascript:hacked=1> <https://evil.example/'onclick='hacked=1> https://evil.example/\"onclick=\"hacked=1",
  "[o](https://evil.example/ \"title\\\" onclick=hacked=1\") [p\" onclick=hacked=1](https://evil.example/)",
  "| a<img src=nowhere onerror=hacked=1> | b |\n|:-\" onclick=hacked=1|--|\n| <svg onload=hacked=1> | <br onclick=hacked=1> |",
  "```html\" onclick=\"hacked=1\n</code></pre><script>hacked=1</script>\n```",
  "<think><script>hacked=1</script><img src=nowhere onerror=hacked=1></think>after",
  "$\\href{javascript:hacked=1}{x}$ \\(<img src=nowhere onerror=hacked=1>\\) \\[\\unicode{<script>}\\]",
  "- [x] <input onfocus=hacked=1 autofocus>\n- [ ] <form action=//evil.example><button>a</button></form>",
];
const LOADING = "script, iframe, object, embed, style, link, form, base, meta, img, video, audio, source, input:not([disabled])";

test("a model's text runs no script and loads nothing", async () => {
  // This site has no policy, which would hide a fault.
  const own = [`http://127.0.0.1:${service.port}`];
  const body = `<!doctype html><script type="module" src="${own[0]}/chat-window.js"></script><al-chat-window></al-chat-window>`;
  const site = await service.site({ "/": { body } });
  own.push(`http://127.0.0.1:${site.port}`);
  const tab = new Tab(await service.browser.newPage());
  await tab.page.goto(own[1]);
  const requests = tab.requests();
  service.model.when("Attack", (call) => (call.say(...ATTACKS.join("\n\n").match(/[^]{1,23}/g)), call.done()));
  await tab.askAndWait("Attack");
  await until("the last line", async () => (await tab.answerText()).includes("evil.example><button>"));
  await tab.answer.evaluate((answer) => {
    const links = [...answer.querySelectorAll("a")];
    for (const link of links.filter(({ href }) => !href.startsWith("http"))) link.removeAttribute("target"), link.click();
    for (const node of answer.querySelectorAll("*")) node.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
  });
  await tab.askAndWait("And afterwards?");
  assert.equal(await tab.page.evaluate(() => "hacked" in window), false);
  const found = await tab.page.locator(".answer .body").first().evaluate((answer, loading) => {
    const nodes = [...answer.querySelectorAll("*")];
    return {
      loading: [...answer.querySelectorAll(loading)].map(({ outerHTML }) => outerHTML),
      handlers: nodes.flatMap((node) => node.getAttributeNames()).filter((name) => /^on|^style$|^id$|^src/.test(name)),
      links: nodes.filter((node) => node.localName === "a").map(({ href, rel }) => [new URL(href).protocol, rel]),
    };
  }, LOADING);
  assert.deepEqual([found.loading, found.handlers], [[], []]);
  assert.ok(found.links.length > 0);
  for (const [protocol, rel] of found.links) {
    assert.ok(["http:", "https:", "mailto:"].includes(protocol), protocol);
    assert.match(rel, /noopener|noreferrer/);
  }
  for (const request of requests) assert.ok(own.includes(new URL(request.url()).origin), request.url());
  await tab.page.close();
});
