// OpenAI's SDK for Node, unmodified, against AL-Chat: whole, streamed, aborted, retried, images, JSON, timeouts, errors.
// Needs AL_CHAT_URL, MODEL_URL, and the keys that `run` makes: AL_CHAT_KEY, AL_CHAT_LIMITED_KEY (without turns left) and
// AL_CHAT_REVOKED_KEY.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import OpenAI from "openai";

const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const baseURL = `${process.env.AL_CHAT_URL}/v1`;
const apiKey = process.env.AL_CHAT_KEY;
const client = new OpenAI({ baseURL, apiKey });
const impatient = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

const modelState = async () => (await fetch(`${process.env.MODEL_URL}/calls`)).json();
const user = (content) => [{ role: "user", content }];
const ask = (content, more = {}, options = {}, sdk = client) =>
  sdk.chat.completions.create({ model: "gpt-4o-mini", messages: user(content), ...more }, options);
const text = (completion) => completion.choices[0].message.content;

// Whole answers and models.
const first = await ask("hello");
assert.equal(text(first), "You said: hello");
assert.equal(first.usage.total_tokens, 12);
assert.equal(first.id, `chatcmpl-${first._request_id}`);
const names = [];
for await (const model of client.models.list()) names.push(model.id);
assert.ok(names.includes("persona/amaya"), names.join());
assert.equal((await client.models.retrieve("persona/amaya")).id, "persona/amaya");

// Streams.
let streamed = "";
let usage;
for await (const chunk of await ask("one two", { stream: true, stream_options: { include_usage: true } })) {
  streamed += chunk.choices[0]?.delta.content ?? "";
  usage = chunk.usage ?? usage;
}
assert.equal(streamed, "You said: one two ");
assert.equal(usage.total_tokens, 12);
const helper = client.chat.completions.stream({ model: "gpt-4o-mini", messages: user("helper") });
assert.equal(await helper.finalContent(), "You said: helper ");
await assert.rejects(
  async () => {
    for await (const _ of await ask("cut off", { stream: true }));
  },
  (error) => error instanceof OpenAI.APIError && error.code === "model_connection_lost",
);

// Aborts.
const { disconnects } = await modelState();
const endless = await ask("endless", { stream: true });
for await (const chunk of endless) if (chunk.choices[0].delta.content) break;
for (let tries = 0; (await modelState()).disconnects === disconnects; tries += 1) {
  assert.ok(tries < 200, "the turn goes on without its client");
  await pause(50);
}
const controller = new AbortController();
const aborted = assert.rejects(ask("slow", {}, { signal: controller.signal }), OpenAI.APIUserAbortError);
await pause(100);
controller.abort();
await aborted;

// Retries and timeouts.
const key = randomUUID();
const headers = { "Idempotency-Key": key };
const repeated = await ask(`fail 500 1 ${key}`, {}, { headers });
assert.equal(text(repeated), `You said: fail 500 1 ${key}`);
assert.equal((await ask(`fail 500 1 ${key}`, {}, { headers })).id, repeated.id);
const asked = (await modelState()).calls.filter((call) => String(call.messages.at(-1).content).endsWith(key));
assert.equal(asked.length, 2);
await assert.rejects(ask("slow", {}, { timeout: 200 }, impatient), OpenAI.APIConnectionTimeoutError);
// The repetition of a request that took too long gets the answer of the turn that runs.
const slow = randomUUID();
assert.equal(
  text(await ask(`slow ${slow}`, {}, { headers: { "Idempotency-Key": slow }, timeout: 700 })),
  `You said: slow ${slow}`,
);
assert.equal((await modelState()).calls.filter((call) => String(call.messages.at(-1).content).endsWith(slow)).length, 1);

// Images and JSON.
const image = { type: "image_url", image_url: { url: PIXEL } };
await ask([{ type: "text", text: "which is older?" }, image, image]);
const shown = (await modelState()).calls.at(-1).messages;
assert.equal(shown.length, 1);
assert.deepEqual(shown[0].content.slice(1), [image, image]);
assert.deepEqual(JSON.parse(text(await ask("how many?", { response_format: { type: "json_object" } }))), { answer: 42 });

const schema = {
  type: "object",
  properties: { answer: { type: "integer" } },
  required: ["answer"],
  additionalProperties: false,
};
const format = { type: "json_schema", json_schema: { name: "count", strict: true, schema } };
const parsed = await client.chat.completions.parse({
  model: "gpt-4o-mini",
  messages: user("how many?"),
  response_format: format,
});
assert.deepEqual(parsed.choices[0].message.parsed, { answer: 42 });
assert.deepEqual((await modelState()).calls.at(-1).response_format, format);
// An answer that was parsed can be sent back as history.
await client.chat.completions.create({
  model: "gpt-4o-mini",
  messages: [...user("how many?"), parsed.choices[0].message, ...user("and now?")],
});

// Errors.
const fails = (act, kind, code, param) =>
  assert.rejects(act, (error) => {
    assert.equal(error.constructor, kind, String(error));
    assert.equal(error.code, code);
    if (param) assert.equal(error.param, param);
    return true;
  });
await fails(ask("hello", { n: 2 }), OpenAI.BadRequestError, "unsupported_parameter", "n");
await fails(ask("hello", { top_p: 2 }), OpenAI.BadRequestError, "invalid_request", "top_p");
await fails(ask("hello", { tools: [{ type: "function", function: { name: "f" } }] }), OpenAI.BadRequestError, "unsupported_parameter", "tools");
await fails(ask("hello", { model: "none" }), OpenAI.NotFoundError, "model_not_found", "model");
await fails(ask("hello", { model: "persona/none", stream: true }), OpenAI.NotFoundError, "model_not_found", "model");
await fails(client.responses.create({ model: "gpt-4o-mini", input: "x" }), OpenAI.NotFoundError, "not_found");
await fails(ask("other", {}, { headers }), OpenAI.UnprocessableEntityError, "idempotency_key_reused");
await fails(ask("fail 429 9 y", {}, {}, impatient), OpenAI.RateLimitError, "rate_limited");
await fails(ask("fail 500 9 y", {}, {}, impatient), OpenAI.InternalServerError, "model_failed");
await fails(ask("fail 501 9 y"), OpenAI.InternalServerError, "model_failed");
for (const [key, code] of [
  ["sk-other", "api_key_required"],
  [`${apiKey.slice(0, -1)}_`, "api_key_unknown"],
  [process.env.AL_CHAT_REVOKED_KEY, "api_key_revoked"],
]) {
  const stranger = new OpenAI({ baseURL, apiKey: key });
  await fails(ask("hello", {}, {}, stranger), OpenAI.AuthenticationError, code);
  await fails(stranger.models.list(), OpenAI.AuthenticationError, code);
}
const limited = new OpenAI({ baseURL, apiKey: process.env.AL_CHAT_LIMITED_KEY, maxRetries: 0 });
await fails(ask("hello", {}, {}, limited), OpenAI.RateLimitError, "limit_reached");
await fails(ask("silent"), OpenAI.InternalServerError, "model_timeout");
const nowhere = new OpenAI({ baseURL: "http://127.0.0.1:9/v1", apiKey, maxRetries: 0 });
await assert.rejects(ask("hello", {}, {}, nowhere), OpenAI.APIConnectionError);

console.log("openai for Node: whole, streamed, aborted, retried, images, JSON, timeouts, errors");
