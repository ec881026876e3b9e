"""Runs the example guard of docs/hooks.md behind AL-Chat, and looks at what it lets through.

Usage: check.py ROOT PROGRAM, in an empty folder.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

# The port of the example.
PORT = "8900"


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def wait_for(found, what):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.05)
    raise SystemExit(f"waited for {what}")


def listens(port):
    with socket.socket() as connecting:
        return connecting.connect_ex(("127.0.0.1", port)) == 0


def ask(address, message):
    body = json.dumps({"message": message}).encode()
    request = urllib.request.Request(f"{address}/api/chat", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def expect(found, expected):
    if found != expected:
        raise SystemExit(f"expected {expected}, found {found}")


def main():
    root, program = Path(sys.argv[1]), sys.argv[2]
    document = (root / "docs/hooks.md").read_text(encoding="utf-8")
    example = re.findall(r"```python\n(.*?)```", document, re.DOTALL)[0]
    port = free_port()
    Path("guard.py").write_text(example.replace(PORT, str(port)), encoding="utf-8")
    guard = subprocess.Popen([sys.executable, "guard.py"], stderr=subprocess.DEVNULL)
    settings = {
        "PORT": "0",
        "AI_SERVICE": "basic",
        "SESSION_LOG_CONTENT": "plain",
        "GUARD_URL": f"http://127.0.0.1:{port}/judge",
    }
    with open("diagnostics", "w", encoding="utf-8") as diagnostics:
        server = subprocess.Popen([program], stderr=diagnostics, env={**os.environ, **settings})
    try:
        wait_for(lambda: listens(port), "the guard")
        listening = re.compile(r"listens on (http://[0-9.:]+)")
        found = wait_for(lambda: listening.search(Path("diagnostics").read_text(encoding="utf-8")), "the server")
        address = found[1]
        status, answer = ask(address, "hello")
        expect(status, 200)
        status, answer = ask(address, "Which casino is near?")
        expect((status, answer["code"], answer["error"]), (422, "rejected_by_guard", "Please ask about our products only"))
        status, answer = ask(address, "I am ada@shop.example, is that right?")
        expect(status, 200)
        checked = subprocess.run([program, "check"], capture_output=True, text=True, env={**os.environ, **settings})
        expect("it may go on" in checked.stdout, True)
    finally:
        server.terminate()
        server.wait()
        guard.terminate()
        guard.wait()
    lines = [json.loads(line) for path in Path("SessionLog").glob("*.log") for line in path.open(encoding="utf-8")]
    turns = [(line["guard_question"], line.get("message")) for line in lines if line["event"] == "chat"]
    expect(turns, [("pass", "hello"), ("reject", None), ("mask", "I am [e-mail], is that right?")])
    print("the example guard passes, rejects and masks")


if __name__ == "__main__":
    main()
