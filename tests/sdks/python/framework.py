"""LangChain's chat model for OpenAI, unmodified, against AL-Chat. Needs AL_CHAT_URL and AL_CHAT_KEY."""

import os
from importlib.metadata import version

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

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
print(f"langchain-openai {version('langchain-openai')}: whole, streamed, in batches, JSON")
