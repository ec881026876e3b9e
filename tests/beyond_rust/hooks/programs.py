"""What the checks of the hooks share: programs that are started, and requests to them."""

import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

SECONDS = 30


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def is_listening(port: int) -> bool:
    with socket.socket() as connecting:
        return connecting.connect_ex(("127.0.0.1", port)) == 0


def wait_for(what: str, found):
    """Returns what `found` returns as soon as it is true."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.05)
    raise SystemExit(f"waited {SECONDS} s for {what}")


def post(url: str, body: dict, headers: dict | None = None) -> tuple[int, bytes]:
    """Posts JSON, and returns the status and the body of the answer."""
    headers = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def python_example(root: Path, heading: str) -> str:
    """Returns the first Python code below a heading of docs/hooks.md."""
    section = (root / "docs/hooks.md").read_text(encoding="utf-8").split(f"\n{heading}\n", 1)[1]
    return re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]


def start_server(program: str, folder: Path, settings: dict) -> tuple[subprocess.Popen, str]:
    """Starts AL-Chat in a folder, and returns its process and its address."""
    diagnostics = folder / "diagnostics"
    with diagnostics.open("w", encoding="utf-8") as written:
        server = subprocess.Popen([program], cwd=folder, env=settings, stderr=written)
    listening = re.compile(r"listens on (http://[0-9.:]+)")
    try:
        found = wait_for("the server", lambda: listening.search(diagnostics.read_text(encoding="utf-8")))
    except BaseException:
        stop(server)
        raise
    return server, found[1]


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(SECONDS)
