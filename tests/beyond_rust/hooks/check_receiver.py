"""Runs the receiver of docs/hooks.md against the program: it gets the event of a turn, and refuses a forged one.

Arguments: the repository's root, and the program.
"""

import base64
import json
import os
import pathlib
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SECONDS = 30


def code_of(document: str) -> str:
    """Returns the code below the heading of the receiver."""
    section = document.split("### A receiver\n", 1)[1]
    return re.search(r"```python\n(.*?)```", section, re.S).group(1)


def wait_for(what: str, found):
    """Returns what `found` returns as soon as it is true."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.05)
    raise SystemExit(f"waited {SECONDS} s for {what}")


def post(url: str, body: dict, headers: dict) -> int:
    """Posts JSON, and returns the status."""
    data, headers = json.dumps(body).encode(), {"content-type": "application/json", **headers}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def is_listening(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def main() -> None:
    root, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    processes = []
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        (work / "receiver.py").write_text(code_of((root / "docs/hooks.md").read_text()))
        try:
            environment = {**os.environ, "EVENTS_SECRET": secret, "RECEIVER_PORT": str(port)}
            received = (work / "received").open("w")
            command = [sys.executable, "receiver.py"]
            processes.append(
                subprocess.Popen(command, cwd=work, env=environment, stdout=received, stderr=subprocess.DEVNULL)
            )
            wait_for("the receiver", lambda: is_listening(port))
            url = f"http://127.0.0.1:{port}/"
            settings = {"PORT": "0", "AI_SERVICE": "basic", "EVENTS_URL": url, "EVENTS_SECRET": secret}
            diagnostics = (work / "diagnostics").open("w")
            processes.append(subprocess.Popen([program], cwd=work, env=settings, stderr=diagnostics))
            address = wait_for(
                "the program",
                lambda: re.search(r"listens on (http://[0-9.:]*)", (work / "diagnostics").read_text()),
            ).group(1)
            assert post(f"{address}/api/chat", {"message": "hello", "sessionId": "s-1"}, {}) == 200
            lines = wait_for("the event", lambda: (work / "received").read_text().splitlines())
            event = json.loads(lines[0])
            assert (event["type"], event["data"]["session_id"]) == ("turn.ended", "s-1"), event
            forged = {"webhook-id": "turn_1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}
            assert post(url, event, forged) == 401
            assert len((work / "received").read_text().splitlines()) == 1
            print(f"the receiver got: {lines[0]}")
        finally:
            for process in processes:
                process.terminate()
                process.wait(SECONDS)


main()
