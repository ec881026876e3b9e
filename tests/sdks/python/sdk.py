"""OpenAI's SDK for Python, unmodified, against AL-Chat: whole, streamed, aborted, retried, async, images, JSON, timeouts, errors.

Needs AL_CHAT_URL, MODEL_URL, and the keys that `run` makes: AL_CHAT_KEY, AL_CHAT_LIMITED_KEY (one turn a day) and
AL_CHAT_REVOKED_KEY.
"""

import asyncio
import json
import os
import time
import urllib.request
import uuid
import warnings

import openai
from pydantic import BaseModel

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
    wait_for_disconnect(before)


def wait_for_disconnect(before):
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
    # A limit of the provider passes.
    key = str(uuid.uuid4())
    assert ask(f"fail 429 1 {key}").choices[0].message.content == f"You said: fail 429 1 {key}"
    assert len(asked()) == 2
    # The repetition of a request that took too long gets the answer of the turn that runs.
    key = str(uuid.uuid4())
    answer = ask(f"slow {key}", extra_headers={"Idempotency-Key": key}, timeout=0.7)
    assert answer.choices[0].message.content == f"You said: slow {key}"
    assert len(asked()) == 1
    fails(openai.APITimeoutError, lambda: ask("slow", client.with_options(max_retries=0), timeout=0.2))


class Count(BaseModel):
    answer: int


def check_content():
    image = {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}
    parts = [{"type": "text", "text": "which is older?"}, image, image]
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": parts}])
    sent = model_state()["calls"][-1]["messages"]
    assert len(sent) == 1 and [part["type"] for part in sent[0]["content"]] == ["text", "image_url", "image_url"], sent
    assert all(part["image_url"]["url"] == PIXEL for part in sent[0]["content"][1:]), sent
    answer = ask("how many?", response_format={"type": "json_object"})
    assert json.loads(answer.choices[0].message.content or "") == {"answer": 42}
    question = [{"role": "user", "content": "how many?"}]
    parsed = client.chat.completions.parse(model="gpt-4o-mini", messages=question, response_format=Count)
    assert parsed.choices[0].message.parsed == Count(answer=42), parsed
    schema = model_state()["calls"][-1]["response_format"]["json_schema"]
    assert schema["name"] == "Count" and schema["strict"] is True, schema
    # An answer that was parsed can be sent back as history. The SDK warns of the type, which it has made itself.
    warnings.filterwarnings("ignore", "Pydantic serializer warnings")
    history = [*question, parsed.choices[0].message, {"role": "user", "content": "and now?"}]
    client.chat.completions.parse(model="gpt-4o-mini", messages=history, response_format=Count)
    parameters = {"temperature": 0.5, "top_p": 0.5, "seed": 7, "stop": ["END"], "presence_penalty": 1, "frequency_penalty": -1}
    ask("hello", max_completion_tokens=9, reasoning_effort="low", **parameters)
    sent = model_state()["calls"][-1]
    assert all(sent[name] == value for name, value in parameters.items()), sent
    assert (sent["max_tokens"], sent["reasoning_effort"]) == (9, "low"), sent


def check_errors():
    no_retries = client.with_options(max_retries=0)
    error = fails(openai.BadRequestError, lambda: ask("hello", n=2))
    assert (error.code, error.param, error.type) == ("unsupported_parameter", "n", "invalid_request_error"), error.body
    error = fails(openai.BadRequestError, lambda: ask("hello", temperature=3))
    assert (error.code, error.param) == ("invalid_request", "temperature")
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert fails(openai.BadRequestError, lambda: ask("hello", tools=tools)).param == "tools"
    assert fails(openai.BadRequestError, lambda: ask("hello", stream=True, n=2)).param == "n"
    assert fails(openai.BadRequestError, lambda: ask("hello", extra_body={"verbose": 1})).param == "verbose"
    system = fails(openai.BadRequestError, lambda: ask("hello", extra_body={"system": "Be kind."}))
    assert system.param == "system" and "Anthropic's Messages API" in system.message, system
    revoked = os.environ["AL_CHAT_REVOKED_KEY"]
    for key, code in [
        ("sk-other", "api_key_required"),
        (KEY[:-1] + "_", "api_key_unknown"),
        (revoked, "api_key_revoked"),
    ]:
        other = openai.OpenAI(base_url=URL, api_key=key)
        for act in [lambda: ask("hello", other), lambda: ask("hello", other, stream=True), lambda: other.models.list()]:
            error = fails(openai.AuthenticationError, act)
            assert (error.code, error.type) == (code, "authentication_error"), error.body
    for model in ["none", "persona/none"]:
        missing = lambda: client.chat.completions.create(model=model, messages=[{"role": "user", "content": "x"}])
        for act in [missing, lambda: client.models.retrieve(model)]:
            error = fails(openai.NotFoundError, act)
            assert (error.code, error.param) == ("model_not_found", "model"), error.body
            assert "GET /v1/models" in error.message and "gpt-4o-mini" not in error.message, error.message
    for act in [
        lambda: client.responses.create(model="gpt-4o-mini", input="x"),
        lambda: client.embeddings.create(model="gpt-4o-mini", input="x"),
        lambda: client.post("/messages", body={"system": "Be kind."}, cast_to=object),
    ]:
        error = fails(openai.NotFoundError, act)
        assert error.code == "not_found" and "POST /v1/chat/completions" in error.message, error.body
    error = fails(openai.APIStatusError, lambda: ask("x" * (33 << 20), no_retries))
    assert (error.status_code, error.code) == (413, "body_too_large"), error.body
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
    # The server has waited for the model as long as it may: the SDK does not make it wait again.
    before = len(model_state()["calls"])
    error = fails(openai.InternalServerError, lambda: ask("silent"))
    assert (error.status_code, error.code) == (504, "model_timeout"), error.body
    assert len(model_state()["calls"]) == before + 1, "the request was repeated"
    error = fails(openai.APIError, lambda: list(ask("silent", stream=True)))
    assert error.code == "model_timeout", error.body
    nowhere = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key=KEY, max_retries=0)
    fails(openai.APIConnectionError, lambda: ask("hello", nowhere))


async def read_all(stream):
    async with stream:
        async for _ in stream:
            pass


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
    key = str(uuid.uuid4())
    answer = await create(f"slow {key}", extra_headers={"Idempotency-Key": key}, timeout=0.7)
    assert answer.choices[0].message.content == f"You said: slow {key}"
    for kind, act in [
        (openai.NotFoundError, create("x", extra_body={"model": "none"})),
        (openai.BadRequestError, create("x", tools=[{"type": "function", "function": {"name": "f"}}])),
        (openai.APITimeoutError, sdk.with_options(max_retries=0, timeout=0.2).chat.completions.create(
            model="gpt-4o-mini", messages=messages("slow")
        )),
    ]:
        try:
            await act
        except openai.OpenAIError as error:
            assert type(error) is kind, repr(error)
        else:
            raise AssertionError(f"no {kind.__name__}")
    before = model_state()["disconnects"]
    reading = asyncio.create_task(read_all(await create("endless", stream=True)))
    await asyncio.sleep(0.2)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    wait_for_disconnect(before)


for check in [check_whole, check_models, check_streams, check_abort, check_retries, check_content, check_errors]:
    check()
asyncio.run(check_async())
print(f"openai {openai.__version__} for Python: whole, streamed, aborted, retried, async, images, JSON, timeouts, errors")
