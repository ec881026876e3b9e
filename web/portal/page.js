// What the page does besides showing the window: says whether Amaya is there, lets her face follow the conversation,
// sends what one may open it with, and keeps still for those who want that.

const chat = document.querySelector("al-chat-window");
const openers = document.querySelectorAll(".openers button");
const status = document.getElementById("status");
const shown = document.getElementById("state");
const news = document.getElementById("status-news");
const note = document.getElementById("status-note");
const still = document.getElementById("still");

/** How long she is happy about an answer, in milliseconds. */
const HAPPY = 5000;

/** Where the browser remembers that the page is to keep still. */
const STILL = "al-chat-still";

const STATES = {
  online: "Amaya is online: a language model finds her words.",
  "demo mode": "Demo mode: no language model is connected here, so Amaya only has a few lines that she knows by heart.",
  away: "Amaya cannot be reached at the moment. Try again in a little while.",
};

const NO_COOKIES = "Your browser refuses cookies, so Amaya cannot remember what the two of you say.";

let calm = 0;

/** While she thinks, there is nothing to open. */
function feel(mood) {
  clearTimeout(calm);
  document.body.dataset.mood = mood;
  for (const opener of openers) opener.ariaDisabled = mood === "thinking";
  if (mood === "happy") calm = setTimeout(() => feel("calm"), HAPPY);
}

async function stateOf(response) {
  if (!response.ok) return "away";
  const { demo_mode: isDemo } = await response.json();
  return isDemo ? "demo mode" : "online";
}

/** Says whether she is there, aloud, too; anew only where that has changed. */
async function showStatus() {
  const options = { cache: "no-store", signal: AbortSignal.timeout(5000) };
  const state = await fetch("/api_status", options).then(stateOf).catch(() => "away");
  if (state === status.dataset.state) return;
  shown.textContent = state;
  news.textContent = `Status: ${state}`;
  status.dataset.state = state;
  note.textContent = navigator.cookieEnabled ? STATES[state] : `${STATES[state]} ${NO_COOKIES}`;
}

function keepStill(isStill) {
  document.body.toggleAttribute("data-still", isStill);
  still.ariaPressed = isStill;
}

/** What was chosen before. Storage may be forbidden: then a choice lasts as long as the page. */
function wasStill() {
  try {
    return localStorage.getItem(STILL) !== null;
  } catch {
    return false;
  }
}

function remember(isStill) {
  try {
    if (isStill) localStorage.setItem(STILL, "");
    else localStorage.removeItem(STILL);
  } catch {
    // Forbidden or full.
  }
}

for (const asked of ["al-chat:message", "al-chat:retry"]) chat.addEventListener(asked, () => feel("thinking"));
chat.addEventListener("al-chat:clear", () => feel("calm"));
chat.addEventListener("al-chat:answer", ({ detail }) => {
  feel(detail.finishReason === "stopped" ? "calm" : "happy");
  if (status.dataset.state === "away") showStatus();
});
chat.addEventListener("al-chat:error", () => {
  feel("sorry");
  showStatus();
});
document.addEventListener("visibilitychange", () => document.hidden || showStatus());

for (const opener of openers) {
  // While an answer is being written, the window sends nothing.
  opener.addEventListener("click", () => chat.send(opener.textContent));
}

still.addEventListener("click", () => {
  const isStill = still.ariaPressed !== "true";
  keepStill(isStill);
  remember(isStill);
});

keepStill(wasStill());
// An answer that was being written when the page was left goes on.
feel(chat.busy ? "thinking" : "calm");
showStatus();
