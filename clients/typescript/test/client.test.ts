// Uses the service as another team would. Compiling is half of the test.
import assert from "node:assert/strict";
import test from "node:test";

import { createClient, streamMessage, streamTurn, TurnError } from "../src/index.js";
import { read, WORDS } from "./reading.js";

const baseUrl = process.env["AL_CHAT_URL"] ?? "";
const client = createClient({ baseUrl });

test("a session with a turn in it", async () => {
  const started = await client.POST("/api/session/start");
  assert.ok(started.data);
  const sessionId = started.data.session_id;

  const answer = await client.POST("/api/chat", {
    body: { message: "Hello!", sessionId, history: [{ role: "user", content: "Hi" }] },
  });
  assert.ok(answer.data);
  assert.notEqual(answer.data.message, "");
  assert.equal(answer.data.session_id, sessionId);
  assert.equal(answer.data.usage.model, answer.data.model);
  assert.equal(answer.data.request_id, answer.response.headers.get("x-request-id"));

  const stopped = await client.POST("/api/session/stop", {
    body: { session_id: sessionId, metrics: { messages: 1 } },
  });
  assert.equal(stopped.data?.status, "stopped");
  assert.ok((stopped.data?.duration_seconds ?? -1) >= 0);
});

test("a stream, and the same turn again", async () => {
  const body = { message: WORDS };
  const turn = streamTurn(client, body);
  assert.deepEqual(await read(turn), { names: ["start", "delta", "done"], text: turn.answer?.message });
  assert.match(turn.text, /\u2028 two \u0085 three \r four ü five 😀 six/);
  assert.equal(turn.requestId, turn.answer?.request_id);

  const header = { "Idempotency-Key": turn.idempotencyKey };
  const again = await client.POST("/api/chat", { params: { header }, body });
  assert.deepEqual(again.data, turn.answer);
  const path = { request_id: turn.requestId ?? "" };
  const stopped = await client.POST("/api/chat/{request_id}/stop", { params: { path } });
  assert.equal(stopped.data?.status, "ended");
});

test("a turn that is stopped", async () => {
  const turn = streamTurn(client, { message: "endless" });
  for await (const event of turn) {
    if (event.event === "delta" && turn.text.split(" ").length === 4) assert.equal((await turn.stop()).status, "stopped");
  }
  assert.equal(turn.answer?.finish_reason, "stopped");
  assert.match(turn.answer?.message ?? "", /^on on on/);
});

test("a turn that is no longer read", async () => {
  const reading = new AbortController();
  const turn = streamTurn(client, { message: "endless" }, { signal: reading.signal });
  await assert.rejects(async () => {
    for await (const event of turn) if (event.event === "delta") reading.abort();
  }, { name: "AbortError" });
  assert.equal((await turn.stop()).status, "stopped");
});

test("an account with a chat", async () => {
  const username = `ts-${crypto.randomUUID().slice(0, 12)}`;
  const password = "Correct-Horse-77";
  const made = await client.POST("/api/auth/register", { body: { username, email: `${username}@example.org`, password } });
  assert.equal(made.data?.username, username);
  const login = await client.POST("/api/auth/login", { body: { username, password } });
  assert.ok(login.data);
  const member = createClient({ baseUrl, headers: { Authorization: `Bearer ${login.data.access_token}` } });

  const chat = await member.POST("/api/chat/create", { body: { title: "From TypeScript" } });
  assert.ok(chat.data);
  const path = { chat_id: chat.data.id };
  const sent = await member.POST("/api/messages/{chat_id}/send", { params: { path }, body: { text: "Hello!" } });
  assert.equal(sent.data?.ai_response.sender, "bot");
  const turn = streamMessage(member, path.chat_id, { text: "And again!" });
  await read(turn);
  const kept = await member.GET("/api/chat/{chat_id}", { params: { path } });
  assert.deepEqual(kept.data?.messages.map((message) => message.sender), ["user", "bot", "user", "bot"]);
  assert.equal(kept.data?.messages.at(-1)?.id, turn.answer?.ai_response_id);
  const markdown = await member.GET("/api/chat/{chat_id}/export/markdown", { params: { path }, parseAs: "text" });
  assert.match(markdown.data ?? "", /^# From TypeScript/);
});

test("an error has its declared shape", async () => {
  const { data, error, response } = await client.POST("/api/chat", { body: {} });
  assert.equal(data, undefined);
  assert.equal(response.status, 400);
  assert.equal(error?.code, "message_required");
  assert.equal(error?.error, "Message or attachment is required");
});

test("a turn that is refused, and one that fails after it has begun", async () => {
  await assert.rejects(read(streamTurn(client, {})), (error) => {
    assert.ok(error instanceof TurnError);
    assert.deepEqual([error.code, error.status], ["message_required", 400]);
    return true;
  });
  const failing = streamTurn(client, { message: "cut off" });
  await assert.rejects(read(failing), (error) => {
    assert.ok(error instanceof TurnError);
    assert.deepEqual([error.code, error.status], ["model_connection_lost", undefined]);
    return true;
  });
  assert.match(failing.text, /^You said: /);
});

test("what an operator asks", async () => {
  const health = await client.GET("/api/health");
  assert.equal(health.data?.status, "healthy");
  const ready = await client.GET("/api/health/ready");
  assert.equal(ready.data?.parts.session_log, "ok");
  const usage = await client.GET("/api/openai/usage");
  assert.ok((usage.data?.request_count ?? 0) >= 1);
  const info = await client.GET("/api/openai/info");
  assert.equal(info.data?.credentials_info?.credential_source, "local_env");
});
