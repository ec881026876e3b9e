"""Why a turn has no whole answer."""

import httpx

from al_chat_client.models import ErrorBody, ErrorCode


class TurnError(Exception):
    """
    A turn that the server refused, or that failed later. `code` says why; docs/errors.md lists all codes. A code that only
    later versions of the server have is an `ErrorCode`, too.
    """

    def __init__(self, body: ErrorBody, status: int | None = None) -> None:
        super().__init__(body.error)
        self.code: ErrorCode = body.code
        self.body = body
        self.request_id = body.request_id
        """The id of the failed request; quote it when asking for help."""
        self.status = status
        """The HTTP status of a refusal, None for a turn that failed after its answer had begun."""


class ConnectionLost(Exception):
    """The server could not be reached again, so that the rest of the answer is missing."""


class OtherAnswer(Exception):
    """The server no longer has the answer that was begun, and gave another one. The question can be asked again."""

    def __init__(self) -> None:
        super().__init__("The server no longer has the answer that was begun, and gave another one. Ask again.")


def refusal(response: httpx.Response) -> TurnError | ConnectionLost:
    """The error of a response that is not what was asked for: a `TurnError`, unless its body is of a proxy."""
    response.read()
    try:
        body = ErrorBody.from_dict(response.json())
    except (ValueError, KeyError, TypeError):
        return ConnectionLost(f"The server, or a proxy before it, returned the status {response.status_code}.")
    return TurnError(body, response.status_code)
