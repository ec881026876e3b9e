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
