"""Runs the recipes of docs/session-log.md on an example log, and compares what they print with the document.

Usage: check.py ROOT [--update], in a folder that has the example as SessionLog. With --update, the outputs are written to the
document.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from chdb import session

# A recipe, and what it prints.
RECIPE = re.compile(r"```(sh|sql)\n([^`]*)```\n\n```text\n([^`]*)```\n")

MIN_RECIPES = 8


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


def check_vector(path):
    """Checks that each part of the configuration gets its lines from another one; by Vector itself where it is installed."""
    parts = yaml.safe_load(path.read_text(encoding="utf-8"))
    names = set(parts["sources"]) | set(parts["transforms"])
    readers = list(parts["transforms"].items()) + list(parts["sinks"].items())
    wrong = [name for name, part in readers if not part["inputs"] or not set(part["inputs"]) <= names]
    if wrong or sorted(part["type"] for part in parts["sinks"].values()) != ["clickhouse", "loki"]:
        raise SystemExit(f"{path}: the inputs of {wrong} or the sinks are wrong")
    if shutil.which("vector"):
        subprocess.run(["vector", "validate", "--no-environment", str(path)], check=True, timeout=60)
        return "validated by Vector"
    return "parsed; Vector is not installed, so it was not validated"


def main():
    root, update = Path(sys.argv[1]), "--update" in sys.argv
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
    print(f"{count} recipes ran; ops/session-log/vector.yaml was {check_vector(root / 'ops/session-log/vector.yaml')}")
    sys.stdout.flush()
    # ClickHouse's threads need not be waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
