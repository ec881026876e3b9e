"""What Schemathesis needs to know beside the contract: who asks, and what only the contract's text says."""

import copy
import os
import re

import schemathesis
from accounts import new_token, post
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData

# Operations that end the token or the account that they are called with: each call gets an account of its own.
ENDING = {"logout", "deleteAccount", "changePassword"}

# Answers of another media type on request, which are in the contract's text only, since generators of clients support one
# media type for each response. The same list is in `tests/api/support/contract_check.rs`.
STREAMED_ON_REQUEST = {"chat", "chatImage", "sendMessage", "retryMessage", "portalChat", "createChatCompletion"}
MARKDOWN_ON_REQUEST = {"exportChat"}

# Codes of errors about rules that a schema cannot state in a form that generators of clients support. With these codes, a
# request that the schema allows may be refused. `invalid_request` and `invalid_json` are not among them.
BEYOND_THE_SCHEMA = {
    "message_required": "of several fields, one must have content",
    "text_required": "either of two fields must have content",
    "image_required": "either of two fields must have content",
    "invalid_image": "a text must be an address, or base64 of an image",
    "image_not_public": "an address must be on the public internet",
    "model_not_allowed": "the operator chooses the models",
    "persona_not_found": "the operator chooses the personas",
    "idempotency_key_reused": "a key belongs to one question",
    "invalid_username": "a name has no characters that cannot be seen",
    "invalid_email": "an address has no characters that cannot be seen",
    "invalid_title": "white space around a title does not count",
    "password_too_long": "a password is counted in bytes",
    "invalid_cursor": "a position is one that a list has returned",
    "unsupported_parameter": "parameters that change nothing are accepted, all others refused",
    "invalid_last_event_id": "an event must be one that the turn has had",
}

# The same for rules whose errors have the code `invalid_request`: parts of their sentences.
BEYOND_THE_SCHEMA_TOO = (
    # Only one of them needs to be there, or they are equal.
    "are two names of one field, and must not differ",
    # Each line break counts as one, except those around the text.
    "no control characters",
    # The calendar has it.
    "expected a day such as",
)

# The same for parameters of OpenAI's form, with errors about their content.
PARAMETERS_BEYOND_THE_SCHEMA = {
    "messages": "the type of a part says what it has, and the last message is the user's",
    "stop": "it is one text or a list of four at most",
    "response_format.json_schema": "the provider reads it",
}

# Where the values of parameters come from: operation, place in its answer, name of the parameter, operations that need it.
LINKS = [
    ("chat", "/request_id", "request_id", ["chatStop", "chatEvents", "giveFeedback"]),
    ("startSession", "/session_id", "session_id", ["requestHandover", "eraseSessionContent"]),
    ("chat", "/session_id", "session_id", ["eraseSessionContent"]),
    ("listSites", "/0/id", "site_id", ["pauseSite", "resumeSite"]),
    ("listLimits", "/limits/0/count_id", "count_id", ["resetLimit"]),
    ("listOpenAiModels", "/data/0/id", "model", ["getOpenAiModel"]),
]


def operations(document):
    for path in document["paths"].values():
        yield from path.values()


def event_schema(document, data):
    """The schema of an event as its lines are read: all texts, whose data is JSON."""
    schema = copy.deepcopy(document["components"]["schemas"][data])
    schema["properties"]["id"] = {"type": "string", "pattern": "^[0-9]+$"}
    content = schema["properties"]["data"]
    schema["properties"]["data"] = {
        "type": "string", "contentMediaType": "application/json", "contentSchema": content
    }
    return schema


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Declares what the contract says in its text: bodies of other media types, and the events of streams."""
    names = [one["$ref"].rsplit("/", 1)[1] for one in raw_schema["components"]["schemas"]["ChatEvent"]["oneOf"]]
    events = {"schema": {"oneOf": [event_schema(raw_schema, name) for name in names]}}
    unnamed = {"schema": {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}}
    for operation in operations(raw_schema):
        content = operation["responses"].get("200", {}).get("content", {})
        name = operation["operationId"]
        if "text/event-stream" in content or name in STREAMED_ON_REQUEST:
            content["text/event-stream"] = unnamed if name == "createChatCompletion" else events
        if name in MARKDOWN_ON_REQUEST:
            content["text/markdown"] = {"schema": {"type": "string"}}
    by_id = {operation["operationId"]: operation for operation in operations(raw_schema)}
    for source, pointer, parameter, targets in LINKS:
        by_id[source]["responses"]["200"].setdefault("links", {}).update({
            target: {"operationId": target, "parameters": {f"path.{parameter}": f"$response.body#{pointer}"}}
            for target in targets
        })


# The names of a session in a request: the first one counts.
SESSION_NAMES = ["X-Session-ID", "sessionId", "session_id"]


def wrong_field(failure, case):
    """The name of the field of the body that is not as the schema says; `None` for other failures."""
    field = re.search(r"in body - (\w+): ", failure.message)
    return field[1] if field and isinstance(case.body, dict) else None


def is_null(failure, case):
    """Whether the wrong field is null, which means absent."""
    return case.body.get(field, "") is None if (field := wrong_field(failure, case)) else False


def is_outranked(failure, case):
    """Whether the wrong field is a session's name, which is not read because there is another one."""
    field = wrong_field(failure, case)
    given = {**(case.headers or {}), **(case.body if field else {})}
    return field in SESSION_NAMES and any(given.get(name) for name in SESSION_NAMES if name != field)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops refusals whose code or sentence names a rule beyond the schema, and answers to requests
    whose wrong field is not read."""
    if isinstance(failure, AcceptedNegativeData):
        return not (is_null(failure, case) or is_outranked(failure, case))
    if not isinstance(failure, RejectedPositiveData):
        return True
    body = response.json()
    if "code" not in body:
        return body["error"]["code"] not in BEYOND_THE_SCHEMA and body["error"]["param"] not in PARAMETERS_BEYOND_THE_SCHEMA
    return body["code"] not in BEYOND_THE_SCHEMA and not any(part in body["error"] for part in BEYOND_THE_SCHEMA_TOO)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Asks for a ticket as a page of the site does."""
    if case.operation.definition.raw["operationId"] == "requestTicket":
        case.headers = {**(case.headers or {}), "Origin": "https://shop.example"}


@schemathesis.hook
def after_call(context, case, response):
    """Ends a pause of all spending, in which no other operation does its work."""
    if case.operation.definition.raw["operationId"] == "pauseSpending" and response.status_code == 200:
        post("/api/admin/resume", {}, {"Authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"})


if "AL_CHAT_KEY" in os.environ:

    @schemathesis.auth(refresh_interval=None)
    class Bearer:
        """The bearer of the first kind that an operation accepts."""

        member = new_token()

        def get(self, case, context):
            definition = case.operation.definition.raw
            schemes = {name for scheme in definition["security"] for name in scheme}
            if definition["operationId"] in ENDING:
                return new_token()
            if "bearerAuth" in schemes:
                return self.member
            if "apiKey" in schemes:
                return os.environ["AL_CHAT_KEY"]
            return os.environ["ADMIN_TOKEN"] if "adminToken" in schemes else None

        def set(self, case, data, context):
            if data is not None:
                case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
