/** Asks a question and prints the answer while it arrives: `npm run example -- "When are you open?"` */
import { createClient, streamTurn, TurnError } from "./src/index.js";

const client = createClient({
  baseUrl: process.env["AL_CHAT_URL"] ?? "http://127.0.0.1:5000",
  // An API key, which `al-chat keys create NAME` makes. A server without sites needs none.
  headers: process.env["AL_CHAT_KEY"] ? { Authorization: `Bearer ${process.env["AL_CHAT_KEY"]}` } : {},
});

const session = await client.POST("/api/session/start");
if (!session.data) throw new Error(session.error?.error ?? `The server returned the status ${session.response.status}.`);
const sessionId = session.data.session_id;

const turn = streamTurn(client, { message: process.argv[2] ?? "Hello! What can you do?" }, { sessionId });
try {
  for await (const event of turn) {
    if (event.event === "delta") process.stdout.write(event.data.content);
  }
  console.log(`\n(${turn.answer?.usage.total_tokens} tokens, by ${turn.answer?.model})`);
} catch (error) {
  if (!(error instanceof TurnError)) throw error;
  console.error(`${error.message} (${error.code}, request ${error.requestId})`);
  process.exitCode = 1;
} finally {
  await client.POST("/api/session/stop", { body: { session_id: sessionId } });
}
