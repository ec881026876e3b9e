/** A client of AL-Chat's API. `streamTurn` asks a question, `createClient` makes the client of all other operations. */
import createFetchClient, { type Client as FetchClient, type ClientOptions } from "openapi-fetch";

import type { components, paths } from "./contract.js";

export { OtherAnswerError } from "./replayed-text.js";
export { streamMessage, streamTurn, Turn, type TurnEvent, type TurnOptions } from "./turn.js";
export { TurnError } from "./turn-error.js";

/** The types of all bodies, by their names in the contract: `Schemas["ChatAnswer"]`. */
export type Schemas = components["schemas"];

/** The client of one server: `client.GET("/api/health")`. */
export type Client = FetchClient<paths>;

/**
 * Creates a client. A key or a token goes into a header: `headers: { Authorization: "Bearer alk_…" }`.
 */
export function createClient(options: ClientOptions & { baseUrl: string }): Client {
  return createFetchClient<paths>(options);
}
