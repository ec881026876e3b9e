"""A server whose connections fail in ways that are written down here, for the clients' runs. The question names the script.

Usage: scripted_server.py, which prints its address. GET /requests/KEY returns the requests of the turn with this
idempotency key: methods, and the number that a resumption asks for. A stop is answered as by a proxy without a server.
"""

import json
import sys
import time
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Refusal:
    status: int
    code: str


@dataclass
class Stream:
    """Sends the first events of an answer, then ends the connection, or sends nothing more."""

    events: list[tuple[str, object]]
    count: int | None = None
    silent: bool = False
    # How many comments come before the last event, each after a tenth of a second.
    comments: int = 0


def answer(*pieces, finish_reason="complete"):
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12, "model": "scripted"}
    done = {
        "message": "".join(pieces),
        "usage": usage,
        "timestamp": "2026-12-01T09:30:00+01:00",
        "model": "scripted",
        "finish_reason": finish_reason,
    }
    return [("start", {"model": "scripted"}), *(("delta", {"content": piece}) for piece in pieces), ("done", done)]


WHOLE = answer("One ", "two")
STORED = answer("One two")
LOST = Refusal(404, "turn_not_found")
LATER_CODE = {"error": "A later version has this error.", "code": "code_of_a_later_version"}

SCRIPTS = {
    "no event of the second answer": [Stream(WHOLE, 2), LOST, Stream(STORED, 0), Stream(STORED)],
    "another answer": [Stream(WHOLE, 2), LOST, Stream(answer("Two ", "one")), Stream(answer("Two ", "one"))],
    "a shorter answer": [Stream(WHOLE, 3), LOST, Stream(answer("One "))],
    "an error at the second question": [Stream(WHOLE, 2), LOST, Refusal(503, "too_busy"), LOST, Stream(STORED)],
    "comments": [Stream(WHOLE, comments=8)],
    "silence": [Stream(WHOLE, 2, silent=True), Stream(WHOLE)],
    "a damaged event": [Stream([*WHOLE[:2], ("delta", "{")]), Stream(WHOLE)],
    "a later code": [Refusal(400, LATER_CODE["code"])],
    "a later code in an event": [Stream([*WHOLE[:2], ("error", LATER_CODE)])],
    "a later reason": [Stream(answer("One", finish_reason="reason_of_a_later_version"))],
}


class Turn:
    def __init__(self, key, question):
        self.id = str(uuid.uuid4())
        self.key = key
        self.steps = iter(SCRIPTS[question])
        self.requests = []


# By id.
turns = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, content_type="application/json"):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        parts = self.path.split("/")
        if parts[1] == "requests":
            requests = [turn.requests for turn in turns.values() if turn.key == parts[2]]
            self.answer(200, json.dumps(requests[0]))
            return
        last = self.headers.get("Last-Event-ID")
        self.step(turns[parts[3]], "GET" if last is None else f"GET after {last}", int(last or 0))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/stop"):
            self.answer(502, "<html>Bad Gateway</html>", "text/html")
            return
        key = self.headers["Idempotency-Key"]
        known = [turn for turn in turns.values() if turn.key == key]
        turn = known[0] if known else Turn(key, json.loads(body)["message"])
        turns[turn.id] = turn
        self.step(turn, "POST", 0)

    def step(self, turn, request, last):
        turn.requests.append(request)
        # A request too many is refused, and is in the list.
        step = next(turn.steps, LOST)
        if isinstance(step, Refusal):
            body = {"error": "The script refuses this.", "code": step.code, "request_id": turn.id}
            self.answer(step.status, json.dumps(body))
            return
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("X-Request-Id", turn.id)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, (name, data) in list(enumerate(step.events, 1))[last : step.count]:
            data = data if isinstance(data, str) else json.dumps({**data, "request_id": turn.id})
            if number == len(step.events):
                for _ in range(step.comments):
                    time.sleep(0.1)
                    self.chunk(b": still there\n\n")
            self.chunk(f"id: {number}\nevent: {name}\ndata: {data}\n\n".encode())
        if step.silent:
            # Until the client leaves.
            self.connection.recv(1)

    def chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # Clients leave in the middle of a stream.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


server = Server(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
