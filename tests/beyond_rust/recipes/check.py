"""Runs the recipes of docs/session-log.md on an example log, and compares what they print with the document.

Usage: check.py ROOT VRL [--update], in a folder that has the example as SessionLog. VRL is the folder of run.js with its packages
installed. With --update, the outputs are written to the document.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import yaml
from chdb import session

# A recipe, and what it prints.
RECIPE = re.compile(r"```(sh|sql)\n([^`]*)```\n\n```text\n([^`]*)```\n")

MIN_RECIPES = 8

# The number of lines of each day on which Vector's programs run.
VECTOR_LINES = 500


def run_shell(script):
    command = ["bash", "-euo", "pipefail", "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8"})
    return ran.stdout if ran.returncode == 0 and not ran.stderr else f"{ran.stdout}{ran.stderr}exit code {ran.returncode}\n"


class ClickHouse:
    """ClickHouse in this process, with the turns as Vector sends them."""

    def __init__(self, root, folder):
        self.session = session.Session()
        self.session.query("CREATE DATABASE IF NOT EXISTS log")
        self.session.query("USE log")
        statement = (root / "ops/session-log/clickhouse.sql").read_text(encoding="utf-8").strip().rstrip(";")
        self.session.query(statement)
        for path in sorted(folder.glob("session_*.log")):
            lines = [line for line in path.open(encoding="utf-8") if '"event":"chat"' in line]
            # A sender repeats lines that were not acknowledged.
            for part in (lines, lines[:100]):
                settings = "input_format_skip_unknown_fields = 1, date_time_input_format = 'best_effort'"
                self.session.query(f"INSERT INTO turns SETTINGS {settings} FORMAT JSONEachRow\n{''.join(part)}")

    def run(self, query):
        return self.session.query(query, "CSVWithNames").data()


def check_programs(parts, vrl):
    """Compiles the programs of Vector's configuration, and compares what they make of lines with the lines."""
    texts = [path.read_text(encoding="utf-8").splitlines() for path in sorted(Path("SessionLog").glob("session_*.log"))]
    lines = [line for text in texts for line in (text[:VECTOR_LINES] + text[-VECTOR_LINES:])]
    source, condition = parts["transforms"]["lines"]["source"], parts["transforms"]["turns"]["condition"]
    task = json.dumps({"source": source, "condition": condition, "lines": [*lines, "no line", "[]"]})
    ran = subprocess.run(["node", "run.js"], input=task, cwd=vrl, stdout=subprocess.PIPE, check=True, timeout=60, text=True)
    *found, torn, foreign = json.loads(ran.stdout)

    def expected(line):
        event = json.loads(line)
        return {**event, "timestamp": datetime.fromisoformat(event["timestamp"])}, event["event"] == "chat"

    for line, result in zip(lines, found, strict=True):
        event = {**result["event"], "timestamp": datetime.fromisoformat(result["event"]["timestamp"])}
        if (event, result["holds"]) != expected(line):
            raise SystemExit(f"Vector's programs make {result} of {line}")
    if torn is not None or foreign is not None:
        raise SystemExit(f"Vector's programs make {torn} and {foreign} of lines that are not of a session log")


def check_vector(path, vrl):
    """Checks that each part of the configuration gets its lines from another one, and its programs; all of it by Vector itself
    where it is installed."""
    parts = yaml.safe_load(path.read_text(encoding="utf-8"))
    names = set(parts["sources"]) | set(parts["transforms"])
    readers = list(parts["transforms"].items()) + list(parts["sinks"].items())
    wrong = [name for name, part in readers if not part["inputs"] or not set(part["inputs"]) <= names]
    if wrong or sorted(part["type"] for part in parts["sinks"].values()) != ["clickhouse", "loki"]:
        raise SystemExit(f"{path}: the inputs of {wrong} or the sinks are wrong")
    check_programs(parts, vrl)
    if shutil.which("vector"):
        subprocess.run(["vector", "validate", "--no-environment", str(path)], check=True, timeout=60)
        return "validated by Vector"
    return "parsed, and its programs ran; Vector is not installed, so the rest was not validated"


def main():
    root, vrl, update = Path(sys.argv[1]), Path(sys.argv[2]), "--update" in sys.argv
    document = root / "docs/session-log.md"
    text = document.read_text(encoding="utf-8")
    house = ClickHouse(root, Path("SessionLog"))
    differing, count = [], 0

    def check(match):
        nonlocal count
        count += 1
        language, script, expected = match.groups()
        found = run_shell(script) if language == "sh" else house.run(script)
        found = found.replace("\r\n", "\n")
        if found != expected:
            differing.append(f"{script}prints\n{found}instead of\n{expected}")
        return match.group(0).replace(f"```text\n{expected}```", f"```text\n{found}```")

    updated = RECIPE.sub(check, text)
    if update:
        document.write_text(updated, encoding="utf-8")
    elif differing:
        raise SystemExit("\n".join(differing))
    if count < MIN_RECIPES:
        raise SystemExit(f"only {count} recipes were found in {document}")
    vector = check_vector(root / "ops/session-log/vector.yaml", vrl)
    print(f"{count} recipes ran; ops/session-log/vector.yaml was {vector}")
    sys.stdout.flush()
    # ClickHouse's threads need not be waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
