// What the page does besides showing the window: says whether Amaya is there, lets her face follow the conversation,
// and sends what one may open it with.

const chat = document.querySelector("al-chat-window");
const status = document.getElementById("status");
const note = document.getElementById("status-note");

/** How long she is happy about an answer, in milliseconds. */
const HAPPY = 5000;

const STATES = {
  online: "Amaya is online: a language model finds her words.",
  "demo mode": "Demo mode: no language model is connected here, so Amaya only has a few lines that she knows by heart.",
  away: "Amaya cannot be reached at the moment. Try again in a little while.",
};

let calm = 0;

function feel(mood) {
  clearTimeout(calm);
  document.body.dataset.mood = mood;
  if (mood === "happy") calm = setTimeout(() => feel("calm"), HAPPY);
}

async function stateOf(response) {
  if (!response.ok) return "away";
  const { demo_mode: isDemo } = await response.json();
  return isDemo ? "demo mode" : "online";
}

async function showStatus() {
  const state = await fetch("/api_status", { cache: "no-store" }).then(stateOf).catch(() => "away");
  status.textContent = state;
  status.dataset.state = state;
  note.textContent = STATES[state];
}

chat.addEventListener("al-chat:message", () => feel("thinking"));
chat.addEventListener("al-chat:answer", ({ detail }) => feel(detail.finishReason === "stopped" ? "calm" : "happy"));
chat.addEventListener("al-chat:error", () => feel("sorry"));

for (const opener of document.querySelectorAll(".openers button")) {
  opener.addEventListener("click", () => chat.send(opener.textContent));
}

// An answer that was being written when the page was left goes on.
feel(chat.busy ? "thinking" : "calm");
showStatus();
