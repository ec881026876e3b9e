// Rendering of answers: links, character references, tags and formulas.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { link, startAnswers } from "./answers.js";

let service;
let tab;
let answers;
before(async () => ({ service, tab, answers } = await startAnswers()));
after(() => service.close());

/** Checks the HTML for each Markdown text. */
async function check(cases) {
  for (const [markdown, expected] of cases) {
    await answers.show(markdown);
    assert.equal(await answers.html(), `<p>${expected}</p>`, markdown);
  }
}

test("links are rendered", async () => {
  await check([
    ["[a](https://x.example/p_(q) \"title\")", `${link("https://x.example/p_(q)", "a")}`],
    ["<https://x.example> mailto [m](mailto:a@b.example)", `${link("https://x.example", "https://x.example")} mailto ${link("mailto:a@b.example", "m")}`],
    ["See https://x.example/a?b=c&d=e, or (https://y.example).", `See ${link("https://x.example/a?b=c&amp;d=e", "https://x.example/a?b=c&amp;d=e")}, or (${link("https://y.example", "https://y.example")}).`],
    ["**https://x.example**", `<strong>${link("https://x.example", "https://x.example")}</strong>`],
    ["![a cat](https://x.example/cat.png)", `${link("https://x.example/cat.png", "a cat")}`],
    ["![](https://x.example/cat.png)", `${link("https://x.example/cat.png", "https://x.example/cat.png")}`],
    ["[![badge](https://x.example/b.svg)](https://y.example)", `${link("https://y.example", "<span>badge</span>")}`],
    ["array[0] and [text] and [a](b", "array[0] and [text] and [a](b"],
    ["[home](/relative)", "<span>home</span>"],
  ]);
});

test("a bare URL ends with its sentence", async () => {
  const at = (path, text = `https://x.example/${path}`) => link(`https://x.example/${path}`, text);
  await check([
    ["参见https://x.example/a。还有（https://x.example/b），「https://x.example/c」、https://x.example/d！", `参见${at("a")}。还有（${at("b")}），「${at("c")}」、${at("d")}！`],
    ["請看https://x.example/a查看；또는 https://x.example/b에서", `請看${at("a")}查看；또는 ${at("b")}에서`],
    ["“https://x.example/a” «https://x.example/b» https://x.example/c…", `“${at("a")}” «${at("b")}» ${at("c")}…`],
    ["(see https://x.example/p_(q)) [https://x.example/a]", `(see ${at("p_(q)")}) [${at("a")}]`],
    ["https://x.example/?a=1&amp;b=2&quot;, &lt;https://x.example/c&gt;", `${at("?a=1&amp;b=2")}", &lt;${at("c")}&gt;`],
    ["انظر https://x.example/a، ثم https://x.example/b؟", `انظر ${at("a")}، ثم ${at("b")}؟`],
    ["www.x.example, <mailto:help@x.example>", `www.x.example, ${link("mailto:help@x.example", "mailto:help@x.example")}`],
    ["[**https://x.example/a**](https://x.example/b)", at("b", "<strong><span>https://x.example/a</span></strong>")],
    ["[a](https://x.example/a\\_b?c&amp;d)", at("a_b?c&amp;d", "a")],
  ]);
});

test("links work in a browser without URL.canParse", async () => {
  const older = await service.tab();
  await older.page.addInitScript(() => delete URL.canParse);
  await older.page.reload();
  await older.askAndWait("https://x.example/a and [b](javascript:alert(1))");
  assert.deepEqual(await older.answer.locator("a").evaluateAll((all) => all.map(({ href }) => href)), ["https://x.example/a"]);
  await older.close();
});

test("character references are read, and make no markup", async () => {
  await check([
    ["Fish &amp; chips &lt;3&nbsp;&euro;4 &hellip; &rarr; &times;", "Fish &amp; chips &lt;3&nbsp;€4 … → ×"],
    ["&#65;&#x42;&#x1F600; &#0; &#xD800; &#8211;", "AB😀 � � –"],
    ["R&D &unknown; &amp &#; &#x;", "R&amp;D &amp;unknown; &amp;amp &amp;#; &amp;#x;"],
    ["`&amp;` and &#42;not&#42; and &#91;a](https://x.example)", `<code>&amp;amp;</code> and *not* and [a](${link("https://x.example", "https://x.example")})`],
    ["&lt;img src=x onerror=alert(1)&gt; &amp;lt;b&amp;gt;", "&lt;img src=x onerror=alert(1)&gt; &amp;lt;b&amp;gt;"],
  ]);
});

test("line breaks are read, all other tags are text", async () => {
  await check([
    ["one<br>two<br/>three<BR />four", "one<br>two<br>three<br>four"],
    ["H<sub>2</sub>O, <b>*bold*</b>", "H&lt;sub&gt;2&lt;/sub&gt;O, &lt;b&gt;<em>bold</em>&lt;/b&gt;"],
    ["<br class=a> <b onclick=x>y</b> <i>open </u> <div>", "&lt;br class=a&gt; &lt;b onclick=x&gt;y&lt;/b&gt; &lt;i&gt;open &lt;/u&gt; &lt;div&gt;"],
  ]);
});

const math = (source) => `<code class="math">${source}</code>`;

test("formulas are shown as they are written", async () => {
  await check([
    ["So \\(a\\,b^*c^*\\) and \\(m\\!\\) with \\(\\{_1, _2\\}\\).", `So ${math("a\\,b^*c^*")} and ${math("m\\!")} with ${math("\\{_1, _2\\}")}.`],
    ["$x^2$, $a$, $E = mc^2$, $\\frac{1}{2}$ and $$y_1*z_2*$$ too", `${math("x^2")}, ${math("a")}, ${math("E = mc^2")}, ${math("\\frac{1}{2}")} and ${math("y_1*z_2*")} too`],
    ["`$x^2$` and `\\(a\\)`", "<code>$x^2$</code> and <code>\\(a\\)</code>"],
  ]);
});

test("prices and escaped brackets are no formulas", async () => {
  await check([
    ["Between $5 and $10, US$3 or $4/$5, for 5$ or 6$.", "Between $5 and $10, US$3 or $4/$5, for 5$ or 6$."],
    ["From $5 for one person + $3 more = $8", "From $5 for one person + $3 more = $8"],
    ["a\\[0\\] and \\[b\\](c) and \\(open", "a[0] and [b](c) and (open"],
  ]);
});
