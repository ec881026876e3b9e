// Uses the service as another team would: with a client generated from its contract. Compiling is half of the test.
import assert from "node:assert/strict";
import test from "node:test";

import createClient from "openapi-fetch";

import type { components, paths } from "./contract.js";

const baseUrl = process.env["AL_CHAT_URL"];
assert.ok(baseUrl, "AL_CHAT_URL says where the server is");
const client = createClient<paths>({ baseUrl });

type ChatEvent = components["schemas"]["ChatEvent"];

/** What the contract leaves to a client: the events of a stream, typed by their schema. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<ChatEvent> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of body) {
    const parts = (text + decoder.decode(bytes, { stream: true })).split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const fields = new Map(part.split("\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]));
      const data = fields.get("data");
      if (data !== undefined) {
        yield { id: Number(fields.get("id")), event: fields.get("event"), data: JSON.parse(data) } as ChatEvent;
      }
    }
  }
}

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
  const header = { "Idempotency-Key": crypto.randomUUID() };
  const body = { message: "Hello!" };
  const stream = await client.POST("/api/chat/stream", { params: { header }, body, parseAs: "stream" });
  assert.ok(stream.data);
  let text = "";
  let answer: components["schemas"]["ChatAnswer"] | undefined;
  for await (const event of events(stream.data)) {
    switch (event.event) {
      case "start":
        assert.equal(event.data.request_id, stream.response.headers.get("x-request-id"));
        break;
      case "delta":
        text += event.data.content;
        break;
      case "done":
        answer = event.data;
        break;
      case "error":
        assert.fail(event.data.error);
    }
  }
  assert.equal(answer?.message, text);
  const again = await client.POST("/api/chat", { params: { header }, body });
  assert.deepEqual(again.data, answer);
  const path = { request_id: answer?.request_id ?? "" };
  const stopped = await client.POST("/api/chat/{request_id}/stop", { params: { path } });
  assert.equal(stopped.data?.status, "ended");
});

test("an account with a chat", async () => {
  const username = `ts-${crypto.randomUUID().slice(0, 12)}`;
  const password = "Correct-Horse-77";
  const made = await client.POST("/api/auth/register", { body: { username, email: `${username}@example.org`, password } });
  assert.equal(made.data?.username, username);
  const login = await client.POST("/api/auth/login", { body: { username, password } });
  assert.ok(login.data);
  const member = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${login.data.access_token}` } });

  const chat = await member.POST("/api/chat/create", { body: { title: "From TypeScript" } });
  assert.ok(chat.data);
  const path = { chat_id: chat.data.id };
  const sent = await member.POST("/api/messages/{chat_id}/send", { params: { path }, body: { text: "Hello!" } });
  assert.equal(sent.data?.ai_response.sender, "bot");
  const body = { text: "And again!" };
  const streamed = await member.POST("/api/messages/{chat_id}/send/stream", { params: { path }, body, parseAs: "text" });
  assert.match(streamed.data ?? "", /event: done/);
  const kept = await member.GET("/api/chat/{chat_id}", { params: { path } });
  assert.deepEqual(kept.data?.messages.map((message) => message.sender), ["user", "bot", "user", "bot"]);
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

test("what an operator asks", async () => {
  const health = await client.GET("/api/health");
  assert.equal(health.data?.status, "healthy");
  const ready = await client.GET("/api/health/ready");
  assert.equal(ready.data?.parts.session_log, "ok");
  const usage = await client.GET("/api/openai/usage");
  assert.ok((usage.data?.request_count ?? 0) >= 1);
  const info = await client.GET("/api/openai/info");
  assert.equal(info.data?.credentials_info?.credential_source, "none");
});
