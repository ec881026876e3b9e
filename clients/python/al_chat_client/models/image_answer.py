from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.finish_reason import FinishReason
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.answer_source import AnswerSource
    from ..models.usage import Usage


T = TypeVar("T", bound="ImageAnswer")


@_attrs_define
class ImageAnswer:
    """The answer of a turn about an image.

    Example:
        {'finish_reason': 'complete', 'message': 'We are open from nine to five.', 'model': 'gpt-4o-mini', 'question':
            'What is in this image?', 'reply': 'We are open from nine to five.', 'request_id':
            '019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27', 'response': 'We are open from nine to five.', 'session_id':
            'session_20261121_093000_k3vq8mzt5wxnp2ra', 'timestamp': '2026-11-21T09:30:02.125000+01:00', 'usage':
            {'completion_tokens': 9, 'model': 'gpt-4o-mini', 'prompt_tokens': 14, 'total_tokens': 23}}

    Attributes:
        question (str): The question about the image.
        message (str): The text of the answer.
        usage (Usage): The tokens of a turn. Example: {'completion_tokens': 9, 'model': 'gpt-4o-mini', 'prompt_tokens':
            18, 'total_tokens': 27}.
        timestamp (datetime.datetime): The time of the answer, RFC 3339.
        model (str): The model that answered; `basic` is the built-in responder.
        finish_reason (FinishReason): How an answer ended: `complete`, when the model said so; `length`, at its limit of
            tokens; `content_filter`, where the filter of the provider or the owner's guard cut it off; `stopped` by
            request; `client_gone`, when all readers had left; `timeout` or `upstream_error`, when it was not finished in
            time, or failed.
        request_id (str): The id of the request that started the turn, as in its `X-Request-Id`.
        notice (str | Unset): A sentence about an answer that the owner's guard has cut off (`content_filter`), to be
            shown below it.
        sources (list[AnswerSource] | Unset): The pages that the answer is based on, in the order of their importance.
        session_id (str | Unset): The session that the client named.
        user_message_id (int | Unset): In a stored chat, the number of the message that was answered.
        ai_response_id (int | Unset): In a stored chat, the number of the answer's message.
        reply (str | Unset): The same as `message`; only in whole answers to an account, or about an image.
        response (str | Unset): The same as `message`; only in whole answers to an account, or about an image.
    """

    question: str
    message: str
    usage: Usage
    timestamp: datetime.datetime
    model: str
    finish_reason: FinishReason
    request_id: str
    notice: str | Unset = UNSET
    sources: list[AnswerSource] | Unset = UNSET
    session_id: str | Unset = UNSET
    user_message_id: int | Unset = UNSET
    ai_response_id: int | Unset = UNSET
    reply: str | Unset = UNSET
    response: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        question = self.question

        message = self.message

        usage = self.usage.to_dict()

        timestamp = self.timestamp.isoformat()

        model = self.model

        finish_reason = self.finish_reason.value

        request_id = self.request_id

        notice = self.notice

        sources: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.sources, Unset):
            sources = []
            for sources_item_data in self.sources:
                sources_item = sources_item_data.to_dict()
                sources.append(sources_item)

        session_id = self.session_id

        user_message_id = self.user_message_id

        ai_response_id = self.ai_response_id

        reply = self.reply

        response = self.response

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "question": question,
                "message": message,
                "usage": usage,
                "timestamp": timestamp,
                "model": model,
                "finish_reason": finish_reason,
                "request_id": request_id,
            }
        )
        if notice is not UNSET:
            field_dict["notice"] = notice
        if sources is not UNSET:
            field_dict["sources"] = sources
        if session_id is not UNSET:
            field_dict["session_id"] = session_id
        if user_message_id is not UNSET:
            field_dict["user_message_id"] = user_message_id
        if ai_response_id is not UNSET:
            field_dict["ai_response_id"] = ai_response_id
        if reply is not UNSET:
            field_dict["reply"] = reply
        if response is not UNSET:
            field_dict["response"] = response

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.answer_source import AnswerSource  # noqa: PLC0415
        from ..models.usage import Usage  # noqa: PLC0415

        d = dict(src_dict)
        question = d.pop("question")

        message = d.pop("message")

        usage = Usage.from_dict(d.pop("usage"))

        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

        model = d.pop("model")

        finish_reason = FinishReason(d.pop("finish_reason"))

        request_id = d.pop("request_id")

        notice = d.pop("notice", UNSET)

        _sources = d.pop("sources", UNSET)
        sources: list[AnswerSource] | Unset = UNSET
        if _sources is not UNSET:
            sources = []
            for sources_item_data in _sources:
                sources_item = AnswerSource.from_dict(sources_item_data)

                sources.append(sources_item)

        session_id = d.pop("session_id", UNSET)

        user_message_id = d.pop("user_message_id", UNSET)

        ai_response_id = d.pop("ai_response_id", UNSET)

        reply = d.pop("reply", UNSET)

        response = d.pop("response", UNSET)

        image_answer = cls(
            question=question,
            message=message,
            usage=usage,
            timestamp=timestamp,
            model=model,
            finish_reason=finish_reason,
            request_id=request_id,
            notice=notice,
            sources=sources,
            session_id=session_id,
            user_message_id=user_message_id,
            ai_response_id=ai_response_id,
            reply=reply,
            response=response,
        )

        image_answer.additional_properties = d
        return image_answer

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
