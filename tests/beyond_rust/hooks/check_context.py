"""Runs the example context hook of docs/hooks.md behind AL-Chat, with a model that repeats its system message.

Arguments: the repository's root, and the program.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from programs import free_port, is_listening, post, python_example, start_server, stop, wait_for

# The port of the example.
PORT = "8901"

HOURS = "The shop is open from Monday to Saturday, from nine to five."


class Model(BaseHTTPRequestHandler):
    """A model that answers with its system message, or with a word if there is none."""

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        first = request["messages"][0]
        text = first["content"] if first["role"] == "system" else "nothing"
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        answer = json.dumps({"object": "chat.completion", "model": "m", "choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


def ask(address: str, question: str) -> dict:
    status, answer = post(f"{address}/api/chat", {"message": question})
    assert status == 200, answer
    return json.loads(answer)


def check(program: str, work: Path, port: int, model_port: int) -> None:
    settings = {
        **os.environ,
        "PORT": "0",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{model_port}/v1",
        "CONTEXT_URL": f"http://127.0.0.1:{port}/texts",
    }
    server, address = start_server(program, work, settings)
    try:
        answer = ask(address, "Is the shop open on Sunday?")
        assert HOURS in answer["message"], answer
        assert answer["sources"] == [{"title": "Opening hours", "url": "https://shop.example/hours"}], answer
        answer = ask(address, "Why?")
        assert (answer["message"], answer.get("sources")) == ("nothing", None), answer
        checked = subprocess.run([program, "check"], cwd=work, capture_output=True, text=True, env=settings)
        assert "1 text, 1 with the address of a page, in" in checked.stdout, checked.stdout
    finally:
        stop(server)
    lines = [json.loads(line) for path in (work / "SessionLog").glob("*.log") for line in path.open(encoding="utf-8")]
    turns = [(line["context"], line["context_texts"], line["context_sources"]) for line in lines if line["event"] == "chat"]
    assert turns == [("used", 1, 1), ("empty", 0, 0)], turns


def main() -> None:
    root, program = Path(sys.argv[1]), sys.argv[2]
    port = free_port()
    model = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        example = python_example(root, "### A context hook in a few lines").replace(PORT, str(port))
        (work / "context.py").write_text(example, encoding="utf-8")
        hook = subprocess.Popen([sys.executable, "context.py"], cwd=work, stderr=subprocess.DEVNULL)
        try:
            wait_for("the context hook", lambda: is_listening(port))
            check(program, work, port, model.server_port)
        finally:
            stop(hook)
            model.shutdown()
    print("the example context hook gives the model a text, and names its page")


if __name__ == "__main__":
    main()
