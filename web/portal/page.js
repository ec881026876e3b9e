// The portal around the chat window: the status of the model, the expression of Amaya's face, the suggested first
// questions, and the button that stops all movement.

const chat = document.querySelector("al-chat-window");
const suggestions = document.querySelectorAll(".suggestions button");
const status = document.getElementById("status");
const statusText = document.getElementById("state");
const statusAnnouncement = document.getElementById("status-announcement");
const statusNote = document.getElementById("status-note");
const stillButton = document.getElementById("still");

/** How long Amaya looks happy after an answer, in ms. */
const HAPPY_TIME = 5000;

/** The key in `localStorage` of the choice that nothing moves. */
const STILL_KEY = "al-chat-still";

/** The explanation of each status. */
const EXPLANATIONS = {
  online: "Amaya is online: a language model finds her words.",
  "demo mode": "Demo mode: no language model is connected here, so Amaya only has a few lines that she knows by heart.",
  away: "Amaya cannot be reached at the moment. Try again in a little while.",
};

const NO_COOKIES = "Your browser refuses cookies, so Amaya cannot remember what the two of you say.";

let calmTimer = 0;

/** Shows a mood in Amaya's face. While she thinks, the suggestions are disabled. */
function setMood(mood) {
  clearTimeout(calmTimer);
  document.body.dataset.mood = mood;
  for (const suggestion of suggestions) suggestion.ariaDisabled = mood === "thinking";
  if (mood === "happy") calmTimer = setTimeout(() => setMood("calm"), HAPPY_TIME);
}

/** Returns the status for a response of `api_status`. */
async function statusFrom(response) {
  if (!response.ok) return "away";
  const { demo_mode: isDemo } = await response.json();
  return isDemo ? "demo mode" : "online";
}

/** Loads the status; shows and announces it if it changed. */
async function showStatus() {
  const options = { cache: "no-store", signal: AbortSignal.timeout(5000) };
  const state = await fetch("api_status", options).then(statusFrom).catch(() => "away");
  if (state === status.dataset.state) return;
  statusText.textContent = state;
  statusAnnouncement.textContent = `Status: ${state}`;
  status.dataset.state = state;
  statusNote.textContent = navigator.cookieEnabled ? EXPLANATIONS[state] : `${EXPLANATIONS[state]} ${NO_COOKIES}`;
}

/** Stops or allows movement on the page. */
function setStill(isStill) {
  document.body.toggleAttribute("data-still", isStill);
  stillButton.ariaPressed = isStill;
}

/** Returns the stored choice. Storage may be forbidden: then a choice lasts as long as the page. */
function loadStill() {
  try {
    return localStorage.getItem(STILL_KEY) !== null;
  } catch {
    return false;
  }
}

function saveStill(isStill) {
  try {
    if (isStill) localStorage.setItem(STILL_KEY, "");
    else localStorage.removeItem(STILL_KEY);
  } catch {
    // Storage is forbidden or full.
  }
}

for (const name of ["al-chat:message", "al-chat:retry"]) chat.addEventListener(name, () => setMood("thinking"));
chat.addEventListener("al-chat:clear", () => setMood("calm"));
chat.addEventListener("al-chat:answer", ({ detail }) => {
  setMood(detail.finishReason === "stopped" ? "calm" : "happy");
  if (status.dataset.state === "away") showStatus();
});
chat.addEventListener("al-chat:error", () => {
  setMood("sorry");
  showStatus();
});
document.addEventListener("visibilitychange", () => document.hidden || showStatus());

for (const suggestion of suggestions) {
  // The window ignores this while an answer is being written.
  suggestion.addEventListener("click", () => chat.send(suggestion.textContent));
}

stillButton.addEventListener("click", () => {
  const isStill = stillButton.ariaPressed !== "true";
  setStill(isStill);
  saveStill(isStill);
});

setStill(loadStill());
// The window continues an answer that was being written when the page was left.
setMood(chat.busy ? "thinking" : "calm");
showStatus();
