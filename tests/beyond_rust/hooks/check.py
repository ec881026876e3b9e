"""Runs the example guard of docs/hooks.md behind AL-Chat, and looks at what it lets through.

Usage: check.py ROOT PROGRAM, in an empty folder.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from programs import free_port, is_listening, post, python_example, start_server, stop, wait_for

# The port of the example.
PORT = "8900"


def expect(found, expected):
    if found != expected:
        raise SystemExit(f"expected {expected}, found {found}")


def main():
    root, program = Path(sys.argv[1]), sys.argv[2]
    port = free_port()
    example = python_example(root, "### A guard in a few lines")
    Path("guard.py").write_text(example.replace(PORT, str(port)), encoding="utf-8")
    settings = {
        **os.environ,
        "PORT": "0",
        "AI_SERVICE": "basic",
        "SESSION_LOG_CONTENT": "plain",
        "GUARD_URL": f"http://127.0.0.1:{port}/judge",
    }
    processes = [subprocess.Popen([sys.executable, "guard.py"], stderr=subprocess.DEVNULL)]
    try:
        wait_for("the guard", lambda: is_listening(port))
        server, address = start_server(program, Path.cwd(), settings)
        processes.insert(0, server)
        ask = lambda message: post(f"{address}/api/chat", {"message": message})
        expect(ask("hello")[0], 200)
        status, answer = ask("Which casino is near?")
        answer = json.loads(answer)
        expect((status, answer["code"], answer["error"]), (422, "rejected_by_guard", "Please ask about our products only"))
        expect(ask("I am ada@shop.example, is that right?")[0], 200)
        checked = subprocess.run([program, "check"], capture_output=True, text=True, env=settings)
        expect("it may go on" in checked.stdout, True)
    finally:
        for process in processes:
            stop(process)
    lines = [json.loads(line) for path in Path("SessionLog").glob("*.log") for line in path.open(encoding="utf-8")]
    turns = [(line["guard_question"], line.get("message")) for line in lines if line["event"] == "chat"]
    expect(turns, [("pass", "hello"), ("reject", None), ("mask", "I am [e-mail], is that right?")])
    print("the example guard passes, rejects and masks")


if __name__ == "__main__":
    main()
