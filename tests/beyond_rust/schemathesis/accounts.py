"""Accounts for the runs of Schemathesis. Prints two, with their tokens, in the form of Web Fuzzing Commons."""

import json
import os
import urllib.request
import uuid

PASSWORD = "Correct-Horse-77"


def post(path, body, headers={}):
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(os.environ["AL_CHAT_URL"] + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def new_token():
    name = f"st-{uuid.uuid4().hex[:12]}"
    post("/api/auth/register", {"username": name, "email": f"{name}@example.org", "password": PASSWORD})
    return post("/api/auth/login", {"username": name, "password": PASSWORD})["access_token"]


def main():
    tokens = {name: f"Bearer {new_token()}" for name in ("ada", "bob")}
    users = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": token}]} for name, token in tokens.items()
    ]
    print(json.dumps({"auth": users}))


if __name__ == "__main__":
    main()
