// What the page does besides showing the window: says the lines with this server's address, and copies them.

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
    // Where it is forbidden, the lines are at least chosen.
    getSelection().selectAllChildren(lines);
  }
});

bubble.addEventListener("change", () => {
  chat.mode = bubble.checked ? "bubble" : "inline";
});
