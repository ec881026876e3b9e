// The page around the chat window: shows the two lines to copy with this server's address. `?site=ID` asks for a site. In a
// frame, the window is shown alone.

const lines = document.getElementById("lines");
const copy = document.getElementById("copy");
const bubble = document.getElementById("bubble");
const chat = document.getElementById("window");

lines.textContent = lines.textContent.replace("chat-window.js", new URL("chat-window.js", document.baseURI).href);

const site = new URLSearchParams(location.search).get("site");
if (site) {
  chat.setAttribute("site", site);
  lines.textContent = lines.textContent.replace("<al-chat-window>", `<al-chat-window site="${site}">`);
}
document.documentElement.classList.toggle("framed", window.top !== window);

/** Copies the text of a node; returns whether that is allowed. Otherwise the text is selected, to be copied by hand. */
async function writeToClipboard(node) {
  try {
    await navigator.clipboard.writeText(node.textContent);
    return true;
  } catch {
    // Pages over plain http have no `clipboard`.
    getSelection().selectAllChildren(node);
    return document.execCommand("copy");
  }
}

copy.addEventListener("click", async () => {
  if (await writeToClipboard(lines)) copy.textContent = "Copied";
});

bubble.addEventListener("change", () => {
  chat.mode = bubble.checked ? "bubble" : "inline";
});
