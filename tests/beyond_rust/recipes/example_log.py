"""Writes the session log to which the outputs in docs/session-log.md belong.

Its first 25,000 sessions have UUIDs, later ones have other ids, and some fields come late: a tool that infers types from the
first lines fails on it.
"""

import json
import sys
import uuid
from pathlib import Path

INSTANCE = "01a22757-0b80-7c41-9d5e-2f0a4c1b7e63"
DAYS = ["2026-11-28", "2026-11-29"]
TURNS_A_DAY = 26_000


def line(seq, event, day, second, fields):
    time = f"{day}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000000+01:00"
    stamp = {"v": 1, "instance": INSTANCE, "seq": seq, "chain": f"{seq:032x}"}
    return {"event": event, "timestamp": time, "date": day, **stamp, **fields}


def turn(number):
    failed, guest, late = number % 1000 == 7, number % 2 == 0, number > 25_000
    tokens = 100 + number % 50
    fields = {
        "request_id": str(uuid.UUID(int=number)),
        "session_id": f"session_{number // 10}" if late else str(uuid.UUID(int=number // 10)),
        "username": "guest" if guest and late else str(uuid.UUID(int=number % 13)),
        "is_guest": guest,
        "model": "gpt-4o" if number % 10 == 3 else "gpt-4o-mini",
        "requested_model": "gpt-4o-mini",
        "response_model": None,
        "prompt_tokens": tokens,
        "completion_tokens": 20,
        "total_tokens": tokens + 20,
        "usage_source": "none" if failed else "provider",
        "cost_usd": None if failed else 0.001,
        "latency_ms": 500 + number % 1000 if number else 500,
        "model_ms": 400.5,
        "first_word_ms": None if failed else 300.25,
        "stream": True,
        "attempts": 3 if failed else 1,
        "status": 504 if failed else 200,
        "code": "model_timeout" if failed else None,
        "finish": "upstream_error" if failed else "complete",
        "credential_source": "local_env",
        "message_chars": 12,
        "answer_chars": 80,
    }
    if late:
        fields |= {"user_id": number % 13, "persona": "amaya", "message": "Grüße \"\n", "answer": "🙂"}
    return fields


def write(folder):
    seq = 0
    for index, day in enumerate(DAYS):
        lines = []
        for number in range(TURNS_A_DAY):
            seq += 1
            lines.append(line(seq, "chat", day, number * 3, turn(index * TURNS_A_DAY + number)))
        seq += 1
        metrics = {"turns": 10, "errors": 0, "cost_usd": 0.01, "models": ["gpt-4o-mini"]}
        stop = {"session_id": f"session_{index}", "duration_seconds": 90.5, "metrics": {"clicks": 3}, "closed_by": "client"}
        lines.append(line(seq, "session_stop", day, 86_000, {**stop, "server_metrics": metrics}))
        text = "".join(json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n" for fields in lines)
        (folder / f"session_{day}.log").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True)
    write(target)
