/**
 * The style sheet of the window's shadow tree. It becomes a constructed sheet, which no site's Content-Security-Policy
 * blocks. Sites set the `--al-chat-…` variables and style the parts.
 */
export const STYLE = `
:host {
  --accent: var(--al-chat-accent, light-dark(#3551c7, #9db1ff));
  --on-accent: var(--al-chat-on-accent, light-dark(#fff, #10142b));
  --background: var(--al-chat-background, light-dark(#fff, #17181d));
  --surface: var(--al-chat-surface, light-dark(#f3f4f8, #23252d));
  --text: var(--al-chat-text, light-dark(#1c1e26, #e8e9ef));
  --muted: var(--al-chat-muted, light-dark(#5b6072, #a5a9b8));
  --border: var(--al-chat-border, light-dark(#dfe1ea, #363945));
  --question: var(--al-chat-question, light-dark(#e8ecfc, #2d3557));
  --danger: var(--al-chat-danger, light-dark(#a4262c, #ffb3ae));
  --radius: var(--al-chat-radius, 1rem);
  --line: 1px solid var(--border);
  display: block;
  height: 100%;
  min-height: 22rem;
  max-height: 100dvh;
  color-scheme: light dark;
  font: 1rem/1.55 var(--al-chat-font, system-ui, sans-serif);
  text-align: start;
}
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; margin: 0; padding: 0; }
button, textarea { font: inherit; color: inherit; background: none; border: 1px solid transparent; }
button { cursor: pointer; border-radius: 0.6rem; padding: 0.2rem 0.7rem; }
[aria-disabled="true"] { cursor: default; opacity: 0.6; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg { width: 1.25rem; display: block; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round;
  stroke-linejoin: round; }
.icon { width: 2.5rem; height: 2.5rem; padding: 0; display: grid; place-items: center; flex: none; }
.quiet { color: var(--muted); }
.quiet:hover { color: var(--text); background: var(--border); }
.solid { background: var(--accent); color: var(--on-accent); border-radius: 0.8rem; }
.solid:hover { filter: brightness(1.1); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.panel { position: relative; display: flex; flex-direction: column; height: 100%; min-height: inherit;
  max-height: inherit; overflow: hidden; color: var(--text); background: var(--background); border: var(--line);
  border-radius: var(--radius); }
header { display: flex; align-items: center; min-height: 3.5rem; padding-inline: 1.1rem 0.5rem;
  border-bottom: var(--line); }
h2 { flex: 1; font-size: 1rem; }
.log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 1.1rem; outline-offset: -2px; }
.log, .turn { display: flex; flex-direction: column; gap: 1rem; }
:host([portal]) .log[aria-busy="true"] { visibility: hidden; }
.question { align-self: end; max-width: 85%; padding: 0.6rem 0.95rem; background: var(--question);
  border: 1px solid transparent; border-radius: 1.1rem; border-end-end-radius: 0.3rem; }
.answer, .text { overflow-wrap: anywhere; }
.text { white-space: pre-wrap; }
.note { color: var(--muted); font-size: 0.875rem; }
.chips { display: flex; flex-wrap: wrap; gap: 0.4rem; list-style: none; }
.chips li { display: flex; align-items: center; max-width: 100%; padding: 0.1rem 0.7rem; font-size: 0.875rem;
  background: var(--background); border: var(--line); border-radius: 0.7rem; }
.chips span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.chips .icon { width: 1.75rem; height: 1.75rem; margin-inline: 0.2rem -0.5rem; }
.chips svg { width: 0.9rem; }
.trouble { border: var(--line); border-radius: 0.8rem; padding: 0.6rem 0.9rem; color: var(--danger);
  font-size: 0.925rem; }
.trouble button { border-color: currentColor; margin-top: 0.5rem; }
.dots { display: flex; gap: 0.3rem; padding-block: 0.55rem; }
.dots i { width: 0.45rem; height: 0.45rem; border-radius: 50%; background: var(--muted); opacity: 0.5; }
form { margin: 0 0.8rem max(0.8rem, env(safe-area-inset-bottom)); border: var(--line); border-radius: 1.1rem;
  background: var(--surface); }
form:focus-within { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
form > .chips, form > .trouble { margin: 0.6rem 0.6rem 0; }
.row { display: flex; align-items: end; padding: 0.35rem; }
textarea { flex: 1; min-width: 0; border: 0; resize: none; max-height: 11rem; padding: 0.45rem 0.3rem;
  font-size: max(1rem, 16px); line-height: 1.5; }
textarea:focus-visible { outline: none; }
textarea::placeholder { color: var(--muted); opacity: 1; }
.drop { position: absolute; inset: 0.5rem; display: grid; place-items: center; border: 2px dashed var(--accent);
  border-radius: var(--radius); background: var(--background); opacity: 0.9; pointer-events: none; }
.launcher { width: 3.5rem; height: 3.5rem; border-radius: 50%; box-shadow: 0 6px 20px #0004; }
:host([mode="bubble"]) { position: fixed; bottom: max(1rem, env(safe-area-inset-bottom)); inset-inline-end: 1rem;
  z-index: 2147483000; height: auto; min-height: 0; }
:host([mode="bubble"]) .panel { width: min(26rem, 100vw - 2rem); height: min(42rem, 100dvh - 2rem);
  box-shadow: 0 12px 40px #0003; }
@media (max-width: 30rem) {
  :host([mode="bubble"]) .panel { position: fixed; inset: 0; width: auto; height: 100dvh; border: 0;
    border-radius: 0; padding-top: env(safe-area-inset-top); }
}
@media (prefers-reduced-motion: no-preference) {
  .dots i { animation: breathe 1.2s infinite; }
  .dots i + i { animation-delay: 0.15s; }
  .dots i + i + i { animation-delay: 0.3s; }
  @keyframes breathe { 40% { opacity: 1; transform: translateY(-0.15rem); } 80% { transform: none; } }
}
@media (forced-colors: active) { .solid, .question { border-color: ButtonText; } .dots i { background: CanvasText; } }
.body > *, blockquote > * { margin-block: 0.7rem; }
.body > :first-child, blockquote > :first-child { margin-top: 0; }
.body > :last-child, blockquote > :last-child { margin-bottom: 0; }
:is(h3, h4, h5, h6) { font-size: 1.05rem; line-height: 1.35; padding-top: 0.3rem; }
h3 { font-size: 1.2rem; }
.body :is(ul, ol) { padding-inline-start: 1.5rem; }
li > * { margin-block: 0.2rem; }
blockquote { border-inline-start: 3px solid var(--border); padding-inline-start: 0.9rem; color: var(--muted); }
a { color: var(--accent); }
hr { border: 0; border-top: var(--line); }
code { font: 0.875em/1.5 ui-monospace, monospace; background: var(--surface); border-radius: 0.3rem;
  padding: 0.1em 0.3em; }
.code, .table { border: var(--line); border-radius: 0.7rem; overflow: auto; }
.code > div { display: flex; justify-content: space-between; align-items: center; padding-inline: 0.9rem 0.3rem;
  background: var(--surface); color: var(--muted); font-size: 0.8125rem; }
pre { padding: 0.7rem 0.9rem; overflow-x: auto; direction: ltr; outline-offset: -2px; }
pre code { background: none; padding: 0; overflow-wrap: normal; }
table { border-collapse: collapse; width: 100%; font-size: 0.925rem; overflow-wrap: normal; }
th, td { padding: 0.4rem 0.8rem; text-align: start; }
th { background: var(--surface); }
td { border-top: var(--line); }
`;
