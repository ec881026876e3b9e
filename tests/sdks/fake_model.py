"""A model's server for the SDKs' runs. What it does depends on the question.

Usage: fake_model.py, which prints its address. GET /calls returns the bodies that it received.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

calls = []
failures = {}
disconnects = []


def question(body):
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part["type"] == "text")


def reply(body):
    if body.get("response_format"):
        return '{"answer": 42}'
    return f"You said: {question(body)}"


class Model(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            disconnects.append("a whole answer")

    def do_GET(self):
        self.answer(200, {"calls": calls, "disconnects": len(disconnects)})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        calls.append(body)
        asked = question(body)
        # "fail STATUS TIMES ANYTHING"
        if asked.startswith("fail "):
            _, status, times, _ = asked.split(" ", 3)
            failures[asked] = failures.get(asked, 0) + 1
            if failures[asked] <= int(times):
                self.answer(int(status), {"error": {"message": "no"}})
                return
        if asked.startswith("slow"):
            time.sleep(1)
        if asked.startswith("silent"):
            time.sleep(6)
        if body.get("stream"):
            self.stream(body, asked)
            return
        message = {"role": "assistant", "content": reply(body)}
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self.answer(200, {"model": body["model"], "choices": [choice], "usage": usage})

    def stream(self, body, asked):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for word in self.words(body, asked):
                self.event({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
            if asked.startswith("cut"):
                return
            self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            self.event({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}})
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            disconnects.append(asked)

    def words(self, body, asked):
        if asked.startswith("endless"):
            while True:
                time.sleep(0.02)
                yield "on "
        for word in reply(body).split(" "):
            yield f"{word} "
            if asked.startswith("pause") and word == "You":
                time.sleep(2)

    def event(self, data):
        self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())
        self.wfile.flush()


server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
server.daemon_threads = True
print(f"http://127.0.0.1:{server.server_port}", flush=True)
threading.Thread(target=server.serve_forever).start()
