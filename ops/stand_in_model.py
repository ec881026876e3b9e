"""A stand-in for a language model, for trying AL-Chat without one.

It answers POST /v1/chat/completions by repeating the question, whole or as a stream, in the format of OpenAI's API. It
needs Python 3 alone and listens on port 8000, or on the port given as argument.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def text_of(content):
    """Returns the text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path != "/v1/chat/completions":
            return self.send_whole(404, {"error": {"message": "not found"}})
        question = text_of(request["messages"][-1]["content"])
        answer = f"This is a stand-in for a language model. You wrote: {question}"
        tokens = {"prompt_tokens": len(question) // 4 + 1, "completion_tokens": len(answer) // 4 + 1}
        usage = tokens | {"total_tokens": sum(tokens.values())}
        common = {"id": "stand-in", "created": int(time.time()), "model": request["model"]}
        if request.get("stream"):
            return self.send_stream(common | {"object": "chat.completion.chunk"}, answer, usage)
        choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
        self.send_whole(200, common | {"object": "chat.completion", "choices": [choice], "usage": usage})

    def send_whole(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_stream(self, common, answer, usage):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for word in answer.split(" "):
            self.send_event(common | {"choices": [{"index": 0, "delta": {"content": f"{word} "}}]})
            time.sleep(0.05)
        self.send_event(common | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self.send_event(common | {"choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def send_event(self, data):
        self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())
        self.wfile.flush()


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    ThreadingHTTPServer(("", port), Handler).serve_forever()
