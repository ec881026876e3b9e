// A fake OpenAI-compatible model: it answers each message as the test sets, and echoes all others.
import { createServer } from "node:http";

/** A promise that is resolved by `open`. */
export function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { opened, open };
}

/** A call to the model, and the responses to it. */
class Call {
  #response;

  constructor(asked, response) {
    this.asked = asked;
    this.#response = response;
    this.disconnected = new Promise((resolve) => response.on("close", resolve));
  }

  /** Sends these pieces, each in its own event. */
  say(...pieces) {
    if (!this.#response.headersSent) this.#response.writeHead(200, { "content-type": "text/event-stream" });
    for (const content of pieces) this.#event({ choices: [{ index: 0, delta: { content } }] });
  }

  done(reason = "stop") {
    this.say();
    this.#event({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
    this.#event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } });
    this.#response.end("data: [DONE]\n\n");
  }

  refuse(status, headers = {}) {
    this.#response.writeHead(status, { "content-type": "application/json", ...headers });
    this.#response.end(JSON.stringify({ error: { message: "no", type: "fake" } }));
  }

  /** Breaks the connection. */
  cut() {
    this.#response.destroy();
  }

  #event(event) {
    this.#response.write(`data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", model: "fake", ...event })}\n\n`);
  }
}

/** Starts a fake model. */
export async function startModel() {
  const behaviours = new Map();
  const calls = [];
  const server = createServer(async (request, response) => {
    request.setEncoding("utf8");
    let body = "";
    for await (const piece of request) body += piece;
    const { messages } = JSON.parse(body);
    const message = messages.at(-1).content;
    calls.push({ message, messages });
    const call = new Call(message, response);
    const [behave] = behaviours.get(message)?.splice(0, 1) ?? [];
    if (behave) return behave(call);
    call.say(message);
    call.done();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    /** Sets the behaviour for a message: for the first call, the second, and so on. */
    when: (message, ...does) => behaviours.set(message, does),
    /** Answers a message in parts. The returned functions send the parts after the first one. */
    inParts(message, first, ...rest) {
      const gates = rest.map(gate);
      behaviours.set(message, [
        async (call) => {
          call.say(first);
          for (const [index, part] of rest.entries()) {
            await gates[index].opened;
            call.say(part);
          }
          call.done();
        },
      ]);
      return gates.map(({ open }) => open);
    },
    /** Returns the calls with this message. */
    callsOf: (message) => calls.filter((call) => call.message === message),
    close: () => (server.closeAllConnections(), server.close()),
  };
}
