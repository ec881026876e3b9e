// Turns whose connections fail: by way of the proxy that cuts them off, and by the scripts of clients/scripted_server.py.
import assert from "node:assert/strict";
import test from "node:test";

import { createClient, OtherAnswerError, streamMessage, streamTurn, TurnError } from "../src/index.js";
import { read, WORDS } from "./reading.js";

const baseUrl = process.env["AL_CHAT_URL"] ?? "";
const proxyUrl = process.env["CUTTING_PROXY_URL"] ?? "";
const scriptedUrl = process.env["SCRIPTED_SERVER_URL"] ?? "";
const key = process.env["CLIENTS_KEY"] ?? "";
const scripted = createClient({ baseUrl: scriptedUrl });

const WHOLE = { names: ["start", "delta", "done"], text: "One two" };

async function cuts(): Promise<number> {
  return (await fetch(`${proxyUrl}/cuts`)).json() as Promise<number>;
}

/** The requests of a turn that the scripted server has received. */
async function requests(turn: { idempotencyKey: string }) {
  return (await fetch(`${scriptedUrl}/requests/${turn.idempotencyKey}`)).json();
}

for (const question of [WORDS, `forgotten ${WORDS}`]) {
  test(`a turn whose connection breaks twice: ${question.slice(0, 9)}`, async () => {
    const before = await cuts();
    const client = createClient({ baseUrl: proxyUrl, headers: { Authorization: `Bearer ${key}` } });
    const turn = streamTurn(client, { message: question });
    assert.deepEqual(await read(turn), { names: ["start", "delta", "done"], text: turn.answer?.message });
    assert.equal(turn.text, turn.answer?.message);
    assert.equal((await cuts()) - before, 2);
  });

  test(`an account's message that is cut off twice: ${question.slice(0, 9)}`, async () => {
    const username = `ts-${crypto.randomUUID().slice(0, 12)}`;
    const body = { username, email: `${username}@example.org`, password: "Correct-Horse-77" };
    await createClient({ baseUrl }).POST("/api/auth/register", { body });
    const login = await createClient({ baseUrl }).POST("/api/auth/login", { body });
    const headers = { Authorization: `Bearer ${login.data?.access_token}` };
    const member = createClient({ baseUrl: proxyUrl, headers });
    const chat = await member.POST("/api/chat/create", { body: {} });
    const before = await cuts();
    const turn = streamMessage(member, chat.data?.id ?? 0, { text: question });
    assert.deepEqual(await read(turn), { names: ["start", "delta", "done"], text: turn.answer?.message });
    assert.equal(turn.text, turn.answer?.message);
    assert.equal((await cuts()) - before, 2);
  });
}

test("a second answer that breaks before its first event", async () => {
  const turn = streamTurn(scripted, { message: "no event of the second answer" });
  assert.deepEqual(await read(turn), WHOLE);
  assert.deepEqual(await requests(turn), ["POST", "GET after 2", "POST", "GET"]);
});

for (const question of ["another answer", "a shorter answer"]) {
  test(`${question} after the loss of the first is final`, async () => {
    const turn = streamTurn(scripted, { message: question });
    await assert.rejects(read(turn), OtherAnswerError);
    assert.equal(turn.answer, undefined);
    assert.equal((await requests(turn)).length, 3);
  });
}

test("an error at the second question is not final", async () => {
  const turn = streamTurn(scripted, { message: "an error at the second question" });
  assert.deepEqual(await read(turn), WHOLE);
});

test("a damaged event is read again", async () => {
  const turn = streamTurn(scripted, { message: "a damaged event" });
  assert.deepEqual(await read(turn), WHOLE);
  assert.deepEqual(await requests(turn), ["POST", "GET after 2"]);
});

test("a connection that brings nothing is replaced", { timeout: 5000 }, async () => {
  const turn = streamTurn(scripted, { message: "silence" }, { maxSilence: 500 });
  assert.deepEqual(await read(turn), WHOLE);
  assert.deepEqual(await requests(turn), ["POST", "GET after 2"]);
});

test("a comment is not silence", async () => {
  let tries = 0;
  const client = createClient({ baseUrl, fetch: (request) => (tries++, fetch(request)) });
  const turn = streamTurn(client, { message: "pause" }, { maxSilence: 1500 });
  assert.deepEqual((await read(turn)).names, ["start", "delta", "done"]);
  assert.equal(tries, 1);
});

test("codes and reasons of later versions", async () => {
  const refused = streamTurn(scripted, { message: "a later code" });
  await assert.rejects(read(refused), { name: "TurnError", code: "code_of_a_later_version", status: 400 });
  assert.deepEqual(await requests(refused), ["POST"]);
  const failed = streamTurn(scripted, { message: "a later code in an event" });
  await assert.rejects(read(failed), { name: "TurnError", code: "code_of_a_later_version", status: undefined });
  const answered = streamTurn(scripted, { message: "a later reason" });
  await read(answered);
  assert.equal(answered.answer?.finish_reason, "reason_of_a_later_version");
});

test("a stop that a proxy answers", async () => {
  const turn = streamTurn(scripted, { message: "a later reason" });
  await read(turn);
  await assert.rejects(turn.stop(), (error) => {
    assert.ok(error instanceof Error && !(error instanceof TurnError));
    assert.match(error.message, /returned the status 502/);
    return true;
  });
});

test("a server that cannot be reached is tried six times", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let tries = 0;
  const client = createClient({
    baseUrl,
    fetch: async () => {
      if (++tries < 6) setImmediate(() => mock.timers.tick(4000));
      throw new TypeError("nothing there");
    },
  });
  await assert.rejects(read(streamTurn(client, { message: "Hello!" })), { message: "nothing there" });
  assert.equal(tries, 6);
});

test("a signal ends the pause before the next connection", async () => {
  const reading = new AbortController();
  let tries = 0;
  const client = createClient({
    baseUrl: "http://127.0.0.1:1",
    fetch: async (request) => {
      try {
        return await fetch(request);
      } finally {
        if (++tries === 3) setTimeout(() => reading.abort(), 20);
      }
    },
  });
  await assert.rejects(read(streamTurn(client, { message: "Hello!" }, { signal: reading.signal })), { name: "AbortError" });
  assert.equal(tries, 3);
});

test("a browser without randomUUID, and without loops over streams", async (context) => {
  const loops = Object.getOwnPropertyDescriptor(ReadableStream.prototype, Symbol.asyncIterator) ?? {};
  context.after(() => {
    Object.defineProperty(ReadableStream.prototype, Symbol.asyncIterator, loops);
    Reflect.deleteProperty(crypto, "randomUUID");
  });
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  const client = createClient({
    baseUrl,
    fetch: async (request) => {
      const response = await fetch(request);
      // Node itself needs it before.
      Reflect.deleteProperty(ReadableStream.prototype, Symbol.asyncIterator);
      return response;
    },
  });
  const turn = streamTurn(client, { message: WORDS });
  assert.deepEqual((await read(turn)).names, ["start", "delta", "done"]);
});
