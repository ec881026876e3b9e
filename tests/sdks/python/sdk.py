"""OpenAI's SDK for Python, unmodified, against AL-Chat: whole, streamed, aborted, retried, async, images, JSON, timeouts, errors.

Needs AL_CHAT_URL, AL_CHAT_KEY (a key with the limits of `run`) and MODEL_URL.
"""

import asyncio
import json
import os
import time
import urllib.request
import uuid

import openai

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
URL = os.environ["AL_CHAT_URL"] + "/v1"
KEY = os.environ["AL_CHAT_KEY"]
client = openai.OpenAI(base_url=URL, api_key=KEY)


def model_state():
    with urllib.request.urlopen(os.environ["MODEL_URL"] + "/calls", timeout=10) as answer:
        return json.load(answer)


def ask(text, sdk=client, **parameters):
    return sdk.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}], **parameters
    )


def fails(kind, act):
    try:
        act()
    except openai.OpenAIError as error:
        assert type(error) is kind, repr(error)
        return error
    raise AssertionError(f"no {kind.__name__}")


def check_whole():
    completion = ask("hello")
    assert completion.choices[0].message.content == "You said: hello", completion
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage and completion.usage.total_tokens == 12
    assert completion.object == "chat.completion" and abs(completion.created - time.time()) < 60
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "hello"}]
    )
    assert raw.request_id and raw.parse().id == f"chatcmpl-{raw.request_id}"
    history = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "hello"},
        completion.choices[0].message,
        {"role": "user", "content": "again"},
    ]
    client.chat.completions.create(model="gpt-4o-mini", messages=history)
    sent = model_state()["calls"][-1]["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"], sent


def check_models():
    names = [model.id for model in client.models.list()]
    assert "gpt-4o-mini" in names and "persona/amaya" in names, names
    for name in names:
        assert client.models.retrieve(name).id == name
    assert client.chat.completions.create(
        model="persona/amaya", messages=[{"role": "user", "content": "hello"}]
    ).choices[0].message.content


def check_streams():
    chunks = list(ask("one two", stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "You said: one two ", text
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert chunks[-1].usage and chunks[-1].usage.total_tokens == 12
    with client.chat.completions.stream(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "helper"}]
    ) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.content == "You said: helper "
    error = fails(openai.APIError, lambda: list(ask("cut off", stream=True)))
    assert error.code == "model_connection_lost" and error.type == "server_error", error.body


def check_abort():
    before = model_state()["disconnects"]
    with ask("endless", stream=True) as stream:
        for number, _ in enumerate(stream):
            if number == 3:
                break
    end = time.monotonic() + 10
    while model_state()["disconnects"] == before:
        assert time.monotonic() < end, "the turn goes on without its client"
        time.sleep(0.05)


def check_retries():
    key = str(uuid.uuid4())
    repeated = {"Idempotency-Key": key}
    question = f"fail 500 1 {key}"
    answer = ask(question, extra_headers=repeated)
    assert answer.choices[0].message.content == f"You said: {question}"
    asked = lambda: [call for call in model_state()["calls"] if call["messages"][-1]["content"].endswith(key)]
    assert len(asked()) == 2
    assert ask(question, extra_headers=repeated).id == answer.id
    assert len(asked()) == 2
    # The repetition of a request that took too long gets the answer of the turn that runs.
    key = str(uuid.uuid4())
    answer = ask(f"slow {key}", extra_headers={"Idempotency-Key": key}, timeout=0.7)
    assert answer.choices[0].message.content == f"You said: slow {key}"
    assert len(asked()) == 1
    fails(openai.APITimeoutError, lambda: ask("slow", client.with_options(max_retries=0), timeout=0.2))


def check_content():
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}]
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": parts}])
    sent = model_state()["calls"][-1]["messages"][-1]["content"]
    assert sent[1]["image_url"]["url"] == PIXEL, sent
    answer = ask("how many?", response_format={"type": "json_object"})
    assert json.loads(answer.choices[0].message.content or "") == {"answer": 42}


def check_errors():
    no_retries = client.with_options(max_retries=0)
    error = fails(openai.BadRequestError, lambda: ask("hello", n=2))
    assert (error.code, error.param, error.type) == ("unsupported_parameter", "n", "invalid_request_error"), error.body
    error = fails(openai.BadRequestError, lambda: ask("hello", temperature=3))
    assert (error.code, error.param) == ("invalid_request", "temperature")
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert fails(openai.BadRequestError, lambda: ask("hello", tools=tools)).param == "tools"
    for key, code in [("sk-other", "api_key_required"), (KEY[:-1] + "_", "api_key_unknown")]:
        other = openai.OpenAI(base_url=URL, api_key=key)
        assert fails(openai.AuthenticationError, lambda: ask("hello", other)).code == code
    missing = lambda: client.chat.completions.create(model="none", messages=[{"role": "user", "content": "x"}])
    assert fails(openai.NotFoundError, missing).code == "model_not_found"
    assert fails(openai.NotFoundError, lambda: client.models.retrieve("persona/none")).param == "model"
    assert fails(openai.NotFoundError, lambda: client.responses.create(model="gpt-4o-mini", input="x")).code == "not_found"
    key = {"Idempotency-Key": str(uuid.uuid4())}
    ask("hello", extra_headers=key)
    assert fails(openai.UnprocessableEntityError, lambda: ask("bye", extra_headers=key)).code == "idempotency_key_reused"
    error = fails(openai.RateLimitError, lambda: ask("fail 429 9 x", no_retries))
    assert error.code == "rate_limited" and error.request_id
    error = fails(openai.InternalServerError, lambda: ask("fail 500 9 x", no_retries))
    assert (error.status_code, error.code) == (502, "model_failed")
    # One that must not be repeated is not, although its status is one of those that usually are.
    before = len(model_state()["calls"])
    assert fails(openai.InternalServerError, lambda: ask("fail 401 9 x")).code == "invalid_api_key"
    assert fails(openai.InternalServerError, lambda: ask("fail 501 9 x")).code == "model_failed"
    assert len(model_state()["calls"]) <= before + 3, "a request was repeated"
    limited = openai.OpenAI(base_url=URL, api_key=os.environ["AL_CHAT_LIMITED_KEY"], max_retries=0)
    ask("hello", limited)
    error = fails(openai.RateLimitError, lambda: ask("hello", limited))
    assert (error.code, error.type) == ("limit_reached", "rate_limit_error")
    assert 0 < int(error.response.headers["retry-after"]) <= 86400
    nowhere = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key=KEY, max_retries=0)
    fails(openai.APIConnectionError, lambda: ask("hello", nowhere))


async def check_async():
    sdk = openai.AsyncOpenAI(base_url=URL, api_key=KEY)
    messages = lambda text: [{"role": "user", "content": text}]
    create = lambda text, **more: sdk.chat.completions.create(model="gpt-4o-mini", messages=messages(text), **more)
    answers = await asyncio.gather(*(create(str(number)) for number in range(8)))
    assert [answer.choices[0].message.content for answer in answers] == [f"You said: {number}" for number in range(8)]
    text = ""
    async for chunk in await create("async", stream=True):
        text += chunk.choices[0].delta.content or ""
    assert text == "You said: async "


for check in [check_whole, check_models, check_streams, check_abort, check_retries, check_content, check_errors]:
    check()
asyncio.run(check_async())
print(f"openai {openai.__version__} for Python: whole, streamed, aborted, retried, async, images, JSON, timeouts, errors")
