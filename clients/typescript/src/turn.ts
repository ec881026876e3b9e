import { Connection } from "./connection.js";
import type { Client, Schemas } from "./index.js";
import { OtherAnswerError, ReplayedText } from "./replayed-text.js";
import { refusal, type Refused, TurnError } from "./turn-error.js";

/** An event of a turn that goes well: `start`, then a `delta` for each piece of the answer, and `done`. */
export type TurnEvent = Exclude<Schemas["ChatEvent"], Schemas["ChatErrorEvent"]>;

export interface TurnOptions {
  /** The session of the turn, which `POST /api/session/start` returns. */
  sessionId?: string;
  /** Identifies the turn: the server answers a repeated key once. A new random one, unless the caller has stored one. */
  idempotencyKey?: string;
  /** Ends the reading. The server ends the turn some seconds later, unless it is read again; `stop` ends it at once. */
  signal?: AbortSignal;
  /**
   * How long a connection may bring nothing before another one is made, in milliseconds: 45,000, unless it is set. The
   * server sends a comment every 15 seconds, or sooner.
   */
  maxSilence?: number;
}

/** A response of openapi-fetch, read as a stream. */
interface Opened extends Refused {
  data?: ReadableStream<Uint8Array> | null;
}

type Ask = (header: Headers, signal: AbortSignal) => Promise<Opened>;

interface Headers {
  "Idempotency-Key": string;
  "X-Session-ID"?: string;
}

/** Pauses before further connections, in milliseconds; each event that is new starts the list anew. */
const PAUSES = [200, 500, 1000, 2000, 4000];

/** How long a connection may bring nothing, in milliseconds. */
const MAX_SILENCE = 45_000;

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
  /** The turn's `Idempotency-Key`. Passed as `idempotencyKey` again, also after a restart, it returns the same answer. */
  readonly idempotencyKey: string;
  /** The turn's id, known from the response on. */
  requestId: string | undefined;
  /** The text so far. */
  text = "";
  /** The whole answer, once `done` has arrived. */
  answer: Schemas["ChatAnswer"] | undefined;

  #client: Client;
  #options: TurnOptions;
  #ask: Ask;
  #lastEventId: number | undefined;
  #replayed: ReplayedText | undefined;
  #started = false;

  constructor(client: Client, options: TurnOptions, ask: Ask) {
    this.#client = client;
    this.#options = options;
    this.#ask = ask;
    // Pages without TLS have no randomUUID.
    this.idempotencyKey = options.idempotencyKey ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
  }

  /** Stops the turn at the server. The events then end with `done`, whose `finish_reason` is `stopped`. */
  async stop(): Promise<Schemas["TurnStopped"]> {
    if (this.requestId === undefined) throw new Error("The turn has no id yet: stop it after its first event.");
    const params = { path: { request_id: this.requestId }, header: this.#sessionHeader() };
    const { data, error, response } = await this.#client.POST("/api/chat/{request_id}/stop", { params });
    if (!data) throw refusal({ error, response });
    return data;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TurnEvent, void, undefined> {
    const { signal } = this.#options;
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
        if (this.#isFinal(error) || signal?.aborted || pause === undefined) throw error;
        await pauseFor(pause, signal);
        signal?.throwIfAborted();
      }
    }
  }

  /** The events of one connection: the rest of the answer, or all of it if the server has no rest to return. */
  async *#connection(): AsyncGenerator<Schemas["ChatEvent"]> {
    const connection = new Connection(this.#options.signal, this.#options.maxSilence ?? MAX_SILENCE);
    try {
      const { data, response } = (await this.#resume(connection)) ?? (await this.#begin(connection));
      if (!data) throw new Error(`The server returned the status ${response.status} instead of a stream.`);
      for await (const { id, event, data: json } of connection.events(data)) {
        yield { id: Number(id), event, data: JSON.parse(json) } as Schemas["ChatEvent"];
      }
    } finally {
      connection.close();
    }
  }

  async #begin(connection: Connection): Promise<Opened> {
    const header = { "Idempotency-Key": this.idempotencyKey, ...this.#sessionHeader() };
    const opened = await connection.next(this.#ask(header, connection.signal));
    if (!opened.response.ok) throw refusal(opened);
    this.requestId = opened.response.headers.get("x-request-id") ?? undefined;
    this.#lastEventId = undefined;
    this.#replayed = this.text ? new ReplayedText(this.text) : undefined;
    return opened;
  }

  /** Returns undefined if the question must be sent (again): the key finds the turn, if it is still known. */
  async #resume(connection: Connection): Promise<Opened | undefined> {
    if (this.requestId === undefined) return undefined;
    const last = this.#lastEventId === undefined ? {} : { "Last-Event-ID": String(this.#lastEventId) };
    const asked = this.#client.GET("/api/chat/{request_id}/events", {
      params: { path: { request_id: this.requestId }, header: { ...last, ...this.#sessionHeader() } },
      parseAs: "stream",
      signal: connection.signal,
    });
    const opened: Opened = await connection.next(asked);
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
        const content = this.#replayed?.newPart(event.data.content) ?? event.data.content;
        if (this.#replayed?.isComplete) this.#replayed = undefined;
        this.text += content;
        return content === "" ? undefined : { ...event, data: { content } };
      }
      case "done":
        if (this.#replayed) throw new OtherAnswerError();
        this.answer = event.data;
        return event;
      case "error":
        throw new TurnError(event.data);
    }
  }

  /** Whether another connection cannot help. A refused resumption may succeed later, when the server has restarted. */
  #isFinal(error: unknown): boolean {
    if (error instanceof OtherAnswerError) return true;
    if (!(error instanceof TurnError)) return false;
    return this.requestId === undefined || error.status === undefined || error.status < 500;
  }

  #sessionHeader(): { "X-Session-ID"?: string } {
    return this.#options.sessionId === undefined ? {} : { "X-Session-ID": this.#options.sessionId };
  }
}

/** Waits, or until the signal is aborted. */
async function pauseFor(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
  });
}
