import { createParser, type EventSourceMessage } from "eventsource-parser";

/** What one connection to the server needs: a signal that ends it, and a limit on the time in which nothing arrives. */
export class Connection {
  /** Is aborted with the reader's signal, by `close`, or when nothing has arrived for too long. */
  readonly signal: AbortSignal;
  #controller = new AbortController();
  #maxSilence: number;

  constructor(readerSignal: AbortSignal | undefined, maxSilence: number) {
    this.signal = AbortSignal.any([this.#controller.signal, ...(readerSignal ? [readerSignal] : [])]);
    this.#maxSilence = maxSilence;
  }

  /** Waits for what arrives next. */
  async next<T>(arriving: Promise<T>): Promise<T> {
    const silence = new Error(`Nothing arrived from the server for ${this.#maxSilence} ms.`);
    const timer = setTimeout(() => this.#controller.abort(silence), this.#maxSilence);
    try {
      return await arriving;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The events of a stream. Its comments count as something that arrives. */
  async *events(stream: ReadableStream<Uint8Array>): AsyncGenerator<EventSourceMessage, void, undefined> {
    const events: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => events.push(event) });
    const decoder = new TextDecoder();
    // Not every browser can loop over a stream.
    const reader = stream.getReader();
    for (;;) {
      const { done, value } = await this.next(reader.read());
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* events.splice(0);
    }
  }

  close(): void {
    this.#controller.abort();
  }
}
