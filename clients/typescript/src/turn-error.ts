import type { Schemas } from "./index.js";

/** A turn that the server refused, or that failed later. `code` says why; docs/errors.md lists all codes. */
export class TurnError extends Error {
  override readonly name = "TurnError";
  readonly code: Schemas["ErrorCode"];
  /** The id of the failed request; quote it when asking for help. */
  readonly requestId: string;
  /** Further data, depending on the code. */
  readonly details: Schemas["ErrorBody"]["details"];
  /** The HTTP status of a refusal, undefined for a turn that failed after its answer had begun. */
  readonly status: number | undefined;

  constructor(body: Schemas["ErrorBody"], status?: number) {
    super(body.error);
    this.code = body.code;
    this.requestId = body.request_id;
    this.details = body.details;
    this.status = status;
  }
}

/** A response of openapi-fetch that is not what was asked for. */
export interface Refused {
  error?: unknown;
  response: Response;
}

/** The error of a refusal: a `TurnError`, unless its body is of a proxy. */
export function refusal({ error, response }: Refused): Error {
  const isErrorBody = typeof error === "object" && error !== null && "code" in error;
  if (isErrorBody) return new TurnError(error as Schemas["ErrorBody"], response.status);
  return new Error(`The server, or a proxy before it, returned the status ${response.status}.`);
}
