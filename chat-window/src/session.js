/** @typedef {{ messages: number, answers: number, errors: number, stopped: number, files: number }} Counts */

/** Counts what happens in a session, which begins with the first question and is reported when the page is left. */
export class Session {
  #client;
  #started;
  /**
   * The session, once it is started, with the time of its start.
   * @type {{ id: string | undefined, since: number, counts: Counts } | undefined}
   */
  #current;
  /**
   * The pending start.
   * @type {Promise<void> | undefined}
   */
  #starting;

  /**
   * `started` is called with the id of each new session, and whether its visitor can ask for a person.
   *
   * @param {import("./client.js").Client} client
   * @param {(id: string, canHandOver: boolean | undefined) => void} started
   */
  constructor(client, started) {
    this.#client = client;
    this.#started = started;
  }

  /** Starts the session if needed and returns its id; undefined if the server refuses to start one for now. */
  async id() {
    while (!this.#current) await (this.#starting ??= this.#start().finally(() => (this.#starting = undefined)));
    return this.#current.id;
  }

  async #start() {
    const { session_id: id, handover } = await this.#client.startSession();
    const counts = { messages: 0, answers: 0, errors: 0, stopped: 0, files: 0 };
    this.#current = { id, since: Date.now(), counts };
    if (id) this.#started(id, handover);
  }

  count(/** @type {keyof Counts} */ name, by = 1) {
    if (this.#current) this.#current.counts[name] += by;
  }

  /** Reports the counts and ends the session. */
  stop() {
    if (!this.#current) return;
    const { id, since, counts } = this.#current;
    if (id) this.#client.stopSession(id, { ...counts, seconds: Math.round((Date.now() - since) / 1000) });
    this.#current = undefined;
  }
}
