// Usage of the window in TypeScript. This file only has to compile.
import type { AlChatWindow, Failure, Strings } from "../../../web/chat-window.js";

const chat = document.createElement("al-chat-window");
const same: AlChatWindow = chat;
chat.mode = "bubble";
chat.username = null;
chat.persona = "amaya";
chat.portal = true;
chat.strings = { send: "Senden", errors: { rate_limited: "Bitte etwas langsamer." } };
const words: Partial<Strings> = same.strings;

chat.addEventListener("al-chat:answer", ({ detail }) => {
  const total: number | undefined = detail.usage?.total_tokens;
  console.log(detail.text, detail.finishReason === "stopped", total, words.send);
});
document.addEventListener("al-chat:session", ({ detail }) => console.log(detail.sessionId.length));
chat.addEventListener("al-chat:error", ({ detail }: CustomEvent<Failure>) => {
  if (detail.code !== "rate_limited" && !chat.busy) chat.retry();
});
chat.addEventListener("click", (event) => event.preventDefault());

// @ts-expect-error: there is no such text.
chat.strings = { sned: "Senden" };
// @ts-expect-error: events report it.
chat.busy = true;

document.body.append(chat);
chat.open();
chat.send("Hello!");
chat.stop();
chat.clear();
chat.close();
