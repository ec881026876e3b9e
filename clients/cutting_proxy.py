"""A proxy that cuts off the streams of turns, for the clients' runs: each connection ends after two events.

Usage: cutting_proxy.py SERVER, which prints its address. GET /cuts returns how many it has cut off. A turn whose question
contains "forgotten" cannot be resumed, as after a restart: only its idempotency key finds it.
"""

import http.client
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

SERVER = urlsplit(sys.argv[1]).netloc
EVENTS_OF_A_CONNECTION = 2
CUTS_OF_A_TURN = 2

# By idempotency key.
cuts = {}
# The idempotency key of each turn.
keys = {}
forgotten = set()


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.forward()

    def do_POST(self):
        self.forward()

    def forward(self):
        if self.path == "/cuts":
            self.answer(200, sum(cuts.values()))
            return
        turn = self.path.split("/")[3] if self.path.endswith("/events") else None
        if turn in forgotten:
            self.answer(404, {"error": "There is no such turn.", "code": "turn_not_found", "request_id": turn})
            return
        question = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        upstream = http.client.HTTPConnection(SERVER)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        upstream.request(self.command, self.path, question or None, headers)
        response = upstream.getresponse()
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.close_connection = True
        self.send_header("Connection", "close")
        if response.headers.get_content_type() != "text/event-stream":
            body = response.read()
            if response.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if turn is None:
                turn = response.headers["X-Request-Id"]
                keys[turn] = self.headers["Idempotency-Key"]
                if b"forgotten" in question:
                    forgotten.add(turn)
            self.stream(response, keys[turn])
        upstream.close()

    def stream(self, response, key):
        events = 0
        for line in response:
            self.chunk(line)
            events += line == b"\n"
            if events == EVENTS_OF_A_CONNECTION and cuts.get(key, 0) < CUTS_OF_A_TURN:
                cuts[key] = cuts.get(key, 0) + 1
                return
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # Clients leave in the middle of a stream.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


server = Server(("127.0.0.1", 0), Proxy)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
