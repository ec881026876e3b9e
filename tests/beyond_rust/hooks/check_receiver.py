"""Runs the receiver of docs/hooks.md against the program: it gets the event of a turn, and refuses a forged one.

Arguments: the repository's root, and the program.
"""

import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from programs import free_port, is_listening, post, python_example, start_server, stop, wait_for


def main() -> None:
    root, program = Path(sys.argv[1]), sys.argv[2]
    port = free_port()
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    processes = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "receiver.py").write_text(python_example(root, "### A receiver"), encoding="utf-8")
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
            server, address = start_server(program, work, settings)
            processes.append(server)
            assert post(f"{address}/api/chat", {"message": "hello", "sessionId": "s-1"})[0] == 200
            lines = wait_for("the event", lambda: (work / "received").read_text().splitlines())
            event = json.loads(lines[0])
            assert (event["type"], event["data"]["session_id"]) == ("turn.ended", "s-1"), event
            forged = {"webhook-id": "turn_1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}
            assert post(url, event, forged)[0] == 401
            assert len((work / "received").read_text().splitlines()) == 1
            print(f"the receiver got: {lines[0]}")
        finally:
            for process in processes:
                stop(process)


main()
