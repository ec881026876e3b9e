// The page around the chat window: shows the two lines to copy with this server's address.

const lines = document.getElementById("lines");
const copy = document.getElementById("copy");
const bubble = document.getElementById("bubble");
const chat = document.getElementById("window");

lines.textContent = lines.textContent.replace('src="/', `src="${location.origin}/`);

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
