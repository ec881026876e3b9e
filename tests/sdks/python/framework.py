"""LangChain's chat model for OpenAI, unmodified, against AL-Chat. Needs AL_CHAT_URL and AL_CHAT_KEY."""

import asyncio
import os
from importlib.metadata import version

import openai
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

model = ChatOpenAI(
    model="gpt-4o-mini",
    base_url=os.environ["AL_CHAT_URL"] + "/v1",
    api_key=os.environ["AL_CHAT_KEY"],
    temperature=0.5,
    max_tokens=50,
)
conversation = [SystemMessage("Be kind."), HumanMessage("One?"), AIMessage("One."), HumanMessage("hello")]
answer = model.invoke(conversation)
assert answer.content == "You said: hello", answer
assert answer.usage_metadata and answer.usage_metadata["total_tokens"] == 12
assert answer.response_metadata["finish_reason"] == "stop"
assert "".join(chunk.content for chunk in model.stream("streamed")) == "You said: streamed "
assert [answer.content for answer in model.batch(["a", "b"])] == ["You said: a", "You said: b"]
assert model.bind(response_format={"type": "json_object"}).invoke("how many?").content == '{"answer": 42}'


class Count(BaseModel):
    """A number."""

    answer: int


assert model.with_structured_output(Count, method="json_schema").invoke("how many?") == Count(answer=42)


async def check_async():
    assert (await model.ainvoke("hello")).content == "You said: hello"
    assert "".join([chunk.content async for chunk in model.astream("streamed")]) == "You said: streamed "


asyncio.run(check_async())
try:
    model.bind_tools([Count]).invoke("hello")
except openai.BadRequestError as error:
    assert error.param == "tools", error.body
else:
    raise AssertionError("tools are not refused")
print(f"langchain-openai {version('langchain-openai')}: whole, streamed, in batches, async, JSON, schemas, errors")
