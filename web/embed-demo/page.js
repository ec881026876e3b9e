// The page around the chat window: shows the two lines to copy with this server's address.

const lines = document.getElementById("lines");
const copy = document.getElementById("copy");
const bubble = document.getElementById("bubble");
const chat = document.getElementById("window");

lines.textContent = lines.textContent.replace("chat-window.js", new URL("chat-window.js", document.baseURI).href);

copy.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(lines.textContent);
    copy.textContent = "Copied";
  } catch {
    // The clipboard is forbidden: select the lines instead.
    getSelection().selectAllChildren(lines);
  }
});

bubble.addEventListener("change", () => {
  chat.mode = bubble.checked ? "bubble" : "inline";
});
