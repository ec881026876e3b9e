"""Runs the commands of docs/local-models.md for llama.cpp word by word, and asks the model that they start.

Usage: check.py DOCUMENT, in an empty folder, with `al-chat` in the PATH. Only the ports are changed to
free ones, and answers are limited in length: a model this small may find no end.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

# A block of commands, or of lines of `.env`.
BLOCK = re.compile(r"```(sh|dotenv)\n([^`]*)```")

# Time in which the model's server starts, in seconds.
START_TIME = 120

# Nothing else on this machine has a part in this, such as a broker at Papita's default address.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not re.match("OPENAI|PAPITA|MODEL|AI_|DATABASE", name)}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def blocks_of(document, model_port, port):
    """Returns the blocks of the recipe: the commands that install, start and use the model, and the lines of `.env`."""
    text = Path(document).read_text(encoding="utf-8")
    recipe = text.split("\n## llama.cpp\n")[1].split("\n## ")[0].split("\n### ")[0]
    blocks = [(kind, body.replace("8080", model_port).replace("5000", port)) for kind, body in BLOCK.findall(recipe)]
    assert [kind for kind, _ in blocks] == ["sh", "sh", "dotenv", "sh"], f"the recipe has other blocks: {blocks}"
    install, serve, settings, use = (body for _, body in blocks)
    return install, serve, settings, use


def shell(script, **options):
    return subprocess.Popen(["bash", "-euo", "pipefail", "-c", script], env=ENVIRONMENT, start_new_session=True, **options)


def end(process):
    """Ends a shell and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    process.wait(timeout=60)


def wait_for_model(server, model_port):
    for _ in range(START_TIME):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{model_port}/health", timeout=5):
                return
        except OSError:
            assert server.poll() is None, "the model's server ended"
            time.sleep(1)
    raise SystemExit("the model's server did not start in time")


def ask(port, path, question, **fields):
    """Posts a question, and returns the status and the text of the response."""
    body = json.dumps({"message": question, **fields}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=200) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def events_of(text):
    """Returns the names and the data of the events in a stream."""
    blocks = [dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in text.split("\n\n")]
    return [(block["event"], json.loads(block["data"])) for block in blocks if "data" in block]


def check_whole_answer(output):
    assert "Model: smollm2 answers, whole and streamed." in output, output
    answer = json.loads(output.splitlines()[-1])
    assert answer["message"].strip() and answer["usage"]["completion_tokens"] > 0, answer
    return answer["message"]


def check_stream(port):
    status, text = ask(port, "/api/chat/stream", "Write a poem about tea.")
    events = events_of(text)
    (last, done), deltas = events[-1], [data["content"] for name, data in events if name == "delta"]
    assert (status, last) == (200, "done") and len(deltas) > 1 and "".join(deltas) == done["message"], text


def check_conversation_that_is_too_long(port):
    status, text = ask(port, "/api/chat", "word " * 6000)
    assert (status, json.loads(text)["code"]) == (400, "prompt_too_long"), text


def check_log():
    lines = [json.loads(line) for path in Path("SessionLog").glob("*.log") for line in path.open(encoding="utf-8")]
    answered = [line for line in lines if line["event"] == "chat" and line["status"] == 200]
    sources = {(line["response_model"], line["usage_source"], line["credential_source"]) for line in answered}
    assert len(answered) == 2 and sources == {("smollm2", "provider", "none")}, answered


def main():
    model_port, port = free_port(), free_port()
    install, serve, settings, use = blocks_of(sys.argv[1], model_port, port)
    if shell(install).wait() != 0:
        print("The packages of docs/local-models.md cannot be had here; the recorded answers of `cargo test` stand for them.")
        return
    Path(".env").write_text(f"{settings}PORT={port}\nMAX_ANSWER_TOKENS=64\n", encoding="utf-8")
    server = shell(serve)
    try:
        wait_for_model(server, model_port)
        # In a file, since AL-Chat goes on running with the same output.
        with open("output", "w+", encoding="utf-8") as output:
            used = shell(use, stdout=output, stderr=subprocess.DEVNULL)
            try:
                assert used.wait(timeout=400) == 0, Path("output").read_text(encoding="utf-8")
                message = check_whole_answer(Path("output").read_text(encoding="utf-8"))
                check_stream(port)
                check_conversation_that_is_too_long(port)
            finally:
                end(used)
        check_log()
    finally:
        end(server)
    print(f"the commands of docs/local-models.md ran, and the model answered: {message}")


if __name__ == "__main__":
    main()
