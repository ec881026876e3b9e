"""Runs the example context hook of docs/hooks.md behind AL-Chat, with a model that repeats its system message.

Usage: check_context.py ROOT PROGRAM, in an empty folder.
"""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from check import ask, expect, free_port, listens, wait_for

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


def main():
    root, program = Path(sys.argv[1]), sys.argv[2]
    document = (root / "docs/hooks.md").read_text(encoding="utf-8")
    section = document.split("### A context hook in a few lines\n", 1)[1]
    example = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    port = free_port()
    Path("context.py").write_text(example.replace(PORT, str(port)), encoding="utf-8")
    hook = subprocess.Popen([sys.executable, "context.py"], stderr=subprocess.DEVNULL)
    model = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    settings = {
        "PORT": "0",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{model.server_port}/v1",
        "CONTEXT_URL": f"http://127.0.0.1:{port}/texts",
    }
    with open("diagnostics", "w", encoding="utf-8") as diagnostics:
        server = subprocess.Popen([program], stderr=diagnostics, env={**os.environ, **settings})
    try:
        wait_for(lambda: listens(port), "the context hook")
        listening = re.compile(r"listens on (http://[0-9.:]+)")
        found = wait_for(lambda: listening.search(Path("diagnostics").read_text(encoding="utf-8")), "the server")
        status, answer = ask(found[1], "Is the shop open on Sunday?")
        expect((status, HOURS in answer["message"]), (200, True))
        expect(answer["sources"], [{"title": "Opening hours", "url": "https://shop.example/hours"}])
        status, answer = ask(found[1], "Why?")
        expect((status, answer["message"], answer.get("sources")), (200, "nothing", None))
        checked = subprocess.run([program, "check"], capture_output=True, text=True, env={**os.environ, **settings})
        expect("1 text, 1 with the address of a page, in" in checked.stdout, True)
    finally:
        server.terminate()
        server.wait()
        hook.terminate()
        hook.wait()
        model.shutdown()
    lines = [json.loads(line) for path in Path("SessionLog").glob("*.log") for line in path.open(encoding="utf-8")]
    turns = [(line["context"], line["context_texts"], line["context_sources"]) for line in lines if line["event"] == "chat"]
    expect(turns, [("used", 1, 1), ("empty", 0, 0)])
    print("the example context hook gives the model a text, and names its page")


if __name__ == "__main__":
    main()
