import { EventSourceParserStream } from "eventsource-parser/stream";

import type { Client, Schemas } from "./index.js";
import { ReplayedText } from "./replayed-text.js";
import { TurnError } from "./turn-error.js";

/** An event of a turn that goes well: `start`, then a `delta` for each piece of the answer, and `done`. */
export type TurnEvent = Exclude<Schemas["ChatEvent"], Schemas["ChatErrorEvent"]>;

export interface TurnOptions {
  /** The session of the turn, which `POST /api/session/start` returns. */
  sessionId?: string;
  /** Identifies the turn: the server answers a repeated key once. A new UUID, unless the caller has stored one. */
  idempotencyKey?: string;
  /** Ends the reading. The server ends the turn some seconds later, unless it is read again; `stop` ends it at once. */
  signal?: AbortSignal;
}

/** A response of openapi-fetch, read as a stream. */
interface Opened {
  data?: ReadableStream<Uint8Array> | null;
  error?: unknown;
  response: Response;
}

interface Headers {
  "Idempotency-Key": string;
  "X-Session-ID"?: string;
}

/** Pauses before further connections, in milliseconds; each event that is new starts the list anew. */
const PAUSES = [200, 500, 1000, 2000, 4000];

/** Asks a question: the events of its answer, as they arrive. */
export function streamTurn(client: Client, body: Schemas["ChatRequest"], options: TurnOptions = {}): Turn {
  return new Turn(client, options, (header, signal) =>
    client.POST("/api/chat/stream", { params: { header }, body, parseAs: "stream", signal }),
  );
}

/** Sends a message to a stored chat: the events of the answer, as they arrive. */
export function streamMessage(
  client: Client,
  chatId: number,
  body: Schemas["SendMessageRequest"],
  options: TurnOptions = {},
): Turn {
  const path = { chat_id: chatId };
  return new Turn(client, options, (header, signal) =>
    client.POST("/api/messages/{chat_id}/send/stream", { params: { path, header }, body, parseAs: "stream", signal }),
  );
}

/**
 * A question and its answer. Iterating over it sends the question and reads the answer, over as many connections as that
 * needs, and throws a `TurnError` if the server refuses the turn or the turn fails.
 */
export class Turn implements AsyncIterable<TurnEvent> {
  /** What to pass as `idempotencyKey` to read the same answer again, for example after a restart. */
  readonly idempotencyKey: string;
  /** The turn's id, known from the response on. */
  requestId: string | undefined;
  /** The text so far. */
  text = "";
  /** The whole answer, once `done` has arrived. */
  answer: Schemas["ChatAnswer"] | undefined;

  #client: Client;
  #options: TurnOptions;
  #ask: (header: Headers, signal: AbortSignal | null) => Promise<Opened>;
  #lastEventId: number | undefined;
  #replayed: ReplayedText | undefined;
  #started = false;

  constructor(client: Client, options: TurnOptions, ask: (header: Headers, signal: AbortSignal | null) => Promise<Opened>) {
    this.#client = client;
    this.#options = options;
    this.#ask = ask;
    this.idempotencyKey = options.idempotencyKey ?? crypto.randomUUID();
  }

  /** Stops the turn at the server. The events then end with `done`, whose `finish_reason` is `stopped`. */
  async stop(): Promise<Schemas["TurnStopped"]> {
    if (this.requestId === undefined) throw new Error("The turn has no id yet: stop it after its first event.");
    const params = { path: { request_id: this.requestId }, header: this.#sessionHeader() };
    const { data, error, response } = await this.#client.POST("/api/chat/{request_id}/stop", { params });
    if (!data) throw new TurnError(error, response.status);
    return data;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TurnEvent, void, undefined> {
    for (let tries = 0; ; ) {
      try {
        for await (const event of this.#connection()) {
          const change = this.#apply(event);
          if (!change) continue;
          tries = 0;
          yield change;
          if (this.answer) return;
        }
        throw new Error("The connection ended before the answer did.");
      } catch (error) {
        const pause = PAUSES[tries++];
        const isFinal = error instanceof TurnError && !(this.requestId && isPassing(error.status));
        if (isFinal || this.#options.signal?.aborted || pause === undefined) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  /** The events of one connection: the rest of the answer, or all of it if the server has no rest to return. */
  async *#connection(): AsyncGenerator<Schemas["ChatEvent"]> {
    const { data, response } = (await this.#resume()) ?? (await this.#begin());
    if (!data) throw new Error(`The server returned the status ${response.status} instead of a stream.`);
    const events = data
      .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
      .pipeThrough(new EventSourceParserStream());
    for await (const { id, event, data } of events) {
      yield { id: Number(id), event, data: JSON.parse(data) } as Schemas["ChatEvent"];
    }
  }

  async #begin(): Promise<Opened> {
    const header = { "Idempotency-Key": this.idempotencyKey, ...this.#sessionHeader() };
    const opened = await this.#ask(header, this.#options.signal ?? null);
    if (!opened.response.ok) throw refusal(opened);
    this.requestId = opened.response.headers.get("x-request-id") ?? undefined;
    this.#lastEventId = undefined;
    if (this.text) this.#replayed = new ReplayedText(this.text);
    return opened;
  }

  /** Returns undefined if the question must be sent (again): the key finds the turn, if it is still known. */
  async #resume(): Promise<Opened | undefined> {
    if (this.requestId === undefined) return undefined;
    const last = this.#lastEventId === undefined ? {} : { "Last-Event-ID": String(this.#lastEventId) };
    const opened: Opened = await this.#client.GET("/api/chat/{request_id}/events", {
      params: { path: { request_id: this.requestId }, header: { ...last, ...this.#sessionHeader() } },
      parseAs: "stream",
      signal: this.#options.signal ?? null,
    });
    if ([204, 400, 404].includes(opened.response.status)) return undefined;
    if (!opened.response.ok) throw refusal(opened);
    return opened;
  }

  /** Returns what is new to the reader, if anything is. */
  #apply(event: Schemas["ChatEvent"]): TurnEvent | undefined {
    this.#lastEventId = event.id;
    switch (event.event) {
      case "start": {
        this.requestId = event.data.request_id;
        const isRepeated = this.#started;
        this.#started = true;
        return isRepeated ? undefined : event;
      }
      case "delta": {
        const content = this.#replayed ? this.#replayed.newPart(event.data.content) : event.data.content;
        this.text += content;
        return content === "" ? undefined : { ...event, data: { content } };
      }
      case "done":
        this.answer = event.data;
        return event;
      case "error":
        throw new TurnError(event.data);
    }
  }

  #sessionHeader(): { "X-Session-ID"?: string } {
    return this.#options.sessionId === undefined ? {} : { "X-Session-ID": this.#options.sessionId };
  }
}

/** Whether a refused resumption may succeed later: the server, or a proxy before it, is restarting. */
function isPassing(status: number | undefined): boolean {
  return status !== undefined && status >= 500;
}

function refusal({ error, response }: Opened): Error {
  const isErrorBody = typeof error === "object" && error !== null && "code" in error;
  if (isErrorBody) return new TurnError(error as Schemas["ErrorBody"], response.status);
  return new Error(`The server, or a proxy before it, returned the status ${response.status}.`);
}
