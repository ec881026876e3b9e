// Rendering of answers: the blocks of Markdown, and texts that grow.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAnswers } from "./answers.js";
import { accessibilityViolations, screenshot } from "./page_checks.js";

let service;
let tab;
let answers;
before(async () => ({ service, tab, answers } = await startAnswers()));
after(() => service.close());

test("Markdown is rendered", async () => {
  const cases = [
    ["one\n\ntwo", "<p>one</p><p>two</p>"],
    ["one\ntwo\\\nthree", "<p>one<br>two<br>three</p>"],
    ["# A\n### B\n###### C", "<h3>A</h3><h5>B</h5><h6>C</h6>"],
    ["*a* _b_ **c** __d__ ***e*** ~~f~~", "<p><em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong> <strong><em>e</em></strong> <del>f</del></p>"],
    ["**bold *and* more**", "<p><strong>bold <em>and</em> more</strong></p>"],
    ["snake_case_name, 2 * 3 * 4, \\*not\\*, ****", "<p>snake_case_name, 2 * 3 * 4, *not*, ****</p>"],
    ["*open and **shut**", "<p>*open and <strong>shut</strong></p>"],
    ["**早い**と思う", "<p><strong>早い</strong>と思う</p>"],
    ["`a < b` and `` `c` `` and `open", "<p><code>a &lt; b</code> and <code>`c`</code> and `open</p>"],
    ["---\n***\n_ _ _", "<hr><hr><hr>"],
    ["> a\n> b\n>\n> > c", "<blockquote><p>a<br>b</p><blockquote><p>c</p></blockquote></blockquote>"],
    ["- a\n- b\n  - c\n    more\n- d", "<ul><li>a</li><li>b<ul><li>c<br>more</li></ul></li><li>d</li></ul>"],
    ["3. a\n\n   more\n4. b\n- c", '<ol start="3"><li>a<p>more</p></li><li>b</li></ol><ul><li>c</li></ul>'],
    ["Say:\n1. a\n  - b\n2. c", '<p>Say:</p><ol start="1"><li>a<ul><li>b</li></ul></li><li>c</li></ol>'],
    ["It was\n1986. A year", "<p>It was<br>1986. A year</p>"],
    [
      "| a | b |\n|---|:-:|\n| 1 | **2** |\n| x \\| y |\n\nend",
      '<div class="table" part="table" tabindex="0"><table><thead><tr><th scope="col">a</th><th scope="col" class="center">b</th></tr></thead><tbody><tr><td>1</td><td class="center"><strong>2</strong></td></tr><tr><td>x | y</td></tr></tbody></table></div><p>end</p>',
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
    await answers.show(markdown);
    assert.equal(await answers.html(), expected, markdown);
  }
});

test("Markdown in pieces renders as the whole text", async () => {
  const whole = [
    "# Title\n\nText with **bold**, `code` and [a link](https://x.example).\n\n1. one\n   - inner\n2. two\n\n",
    "```rust\nfn main() {}\n```\r\n\r\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\nThe *end*.",
  ].join("");
  await answers.show(whole);
  const expected = await answers.html();
  for (const size of [1, 3, 7]) {
    await answers.show(whole, size);
    assert.equal(await answers.html(), expected, `pieces of ${size}`);
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

test("lists are read as they are meant", async () => {
  const code = (text) =>
    `<div class="code" part="code"><div><span>sh</span><button type="button" class="copy quiet">Copy</button></div><pre tabindex="0"><code>${text}</code></pre></div>`;
  const box = (state) => `<input type="checkbox" disabled=""${state}>`;
  const cases = [
    ["- a\n\n- b", '<ul><li>a</li><li>b</li></ul>'],
    ["- a\n  - b\n\n  - c\n- d", '<ul><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ul>'],
    [
      "- [ ] tea\n- [x] **milk**\n- [] none",
      `<ul><li class="task"><label>${box("")} tea</label></li><li class="task"><label>${box(' checked=""')} <strong>milk</strong></label></li><li>[] none</li></ul>`,
    ],
    ["4) a\n5) b", '<ol start="4"><li>a</li><li>b</li></ol>'],
    ["1. a\n```sh\nx\n```\n2. b", `<ol start="1"><li>a</li></ol>${code("x")}<ol start="2"><li>b</li></ol>`],
    ["1. a\n  ```sh\n  x\n\n- y\n  ```\n2. b", `<ol start="1"><li>a${code("x\n\n- y")}</li><li>b</li></ol>`],
    ["- a\n\n      ```sh\n      x\n      ```", `<ul><li>a${code("x")}</li></ul>`],
    ["- It was\n1986. A year\n- b", "<ul><li>It was<br>1986. A year</li><li>b</li></ul>"],
  ];
  for (const [markdown, expected] of cases) {
    await answers.show(markdown);
    assert.equal(await answers.html(), expected, markdown);
  }
});

test("tables are aligned, and rows may differ in length", async () => {
  await answers.show("Prices:\nItem | Price | Note\n:-- | --: | :-:\n`a|b` | 3 | hot\nx | y | z | more\nfew |\n\nend");
  const cells = await answers.all("th, td", (all) => all.map((cell) => [cell.textContent, getComputedStyle(cell).textAlign]));
  const sides = ["left", "right", "center"];
  const rows = [["Item", "Price", "Note"], ["a|b", "3", "hot"], ["x", "y", "z", "more"], ["few"]];
  const expected = rows.flatMap((row) => row.map((text, at) => [text, sides[at] ?? "start"]));
  assert.deepEqual(cells, expected);
});

test("a displayed formula is shown as it is written", async () => {
  const cases = [
    ["So:\n\\[\nx^*y^*\n- z \\\\\n\\]\nend", '<p>So:</p><pre class="math">x^*y^*\n- z \\\\</pre><p>end</p>'],
    ["$$ \\{1, 2\\} $$", '<pre class="math">\\{1, 2\\}</pre>'],
    ["$$\na_1 &= b_1\n$$.", '<pre class="math">a_1 &amp;= b_1.</pre>'],
  ];
  for (const [markdown, expected] of cases) {
    await answers.show(markdown, 2);
    assert.equal(await answers.html(), expected, markdown);
  }
});

test("each block has the direction of its own text", async () => {
  await answers.show("One\n\nאחת\n\n`code` שתיים\n\n- three\n- שלוש\n\n> ארבע\n\n| א | b |\n|---|---|\n| c | ד |\n\n```\nx\n```\n\nhttps://x.example שש");
  const directions = await answers.all("p, li, blockquote, table, td, pre", (all) =>
    all.map((element) => `${element.localName} ${getComputedStyle(element).direction}`),
  );
  assert.deepEqual(directions, [
    "p ltr", "p rtl", "p rtl", "li ltr", "li rtl", "blockquote rtl", "p rtl", "table rtl", "td ltr", "td rtl", "pre ltr", "p rtl",
  ]);
});

test("an answer of all kinds is accessible", async () => {
  await answers.show("<think>Hm</think>\n\n- [ ] a\n- [x] b\n\n| a | b |\n|--:|---|\n| 1 | 2 |\n\n\\[ x^2 \\]\n\nأهلا `Ctrl` $x$\n\n> q");
  await screenshot(tab.page, "answer-kinds");
  assert.deepEqual(await accessibilityViolations(tab.page), []);
});

test("code is copied by its button", async () => {
  await answers.show("```sh\necho hello\n```");
  await tab.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await tab.answer.getByRole("button", { name: "Copy" }).click();
  await tab.answer.getByText("Copied").waitFor();
  assert.equal(await tab.page.evaluate(() => navigator.clipboard.readText()), "echo hello");
});
