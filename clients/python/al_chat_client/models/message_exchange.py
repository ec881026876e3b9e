from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.answer_source import AnswerSource
    from ..models.message import Message


T = TypeVar("T", bound="MessageExchange")


@_attrs_define
class MessageExchange:
    """A message and its answer.

    Example:
        {'ai_message': {'chat_id': 3, 'created_at': '2026-11-21T09:30:02.125000+01:00', 'id': 13, 'image': None,
            'image_url': None, 'sender': 'bot', 'status': 'complete', 'text': 'We are open from nine to five.', 'time':
            '2026-11-21T09:30:02.125000+01:00', 'user_id': 7, 'who': 'bot'}, 'ai_response': {'chat_id': 3, 'created_at':
            '2026-11-21T09:30:02.125000+01:00', 'id': 13, 'image': None, 'image_url': None, 'sender': 'bot', 'status':
            'complete', 'text': 'We are open from nine to five.', 'time': '2026-11-21T09:30:02.125000+01:00', 'user_id': 7,
            'who': 'bot'}, 'user_message': {'chat_id': 3, 'created_at': '2026-11-21T09:30:00.417000+01:00', 'id': 12,
            'image': None, 'image_url': None, 'sender': 'user', 'status': 'complete', 'text': 'What are your opening
            hours?', 'time': '2026-11-21T09:30:00.417000+01:00', 'user_id': 7, 'who': 'user'}}

    Attributes:
        user_message (Message): A message of a stored chat. Example: {'chat_id': 3, 'created_at':
            '2026-11-21T09:30:00.417000+01:00', 'id': 12, 'image': None, 'image_url': None, 'sender': 'user', 'status':
            'complete', 'text': 'What are your opening hours?', 'time': '2026-11-21T09:30:00.417000+01:00', 'user_id': 7,
            'who': 'user'}.
        ai_response (Message): A message of a stored chat. Example: {'chat_id': 3, 'created_at':
            '2026-11-21T09:30:00.417000+01:00', 'id': 12, 'image': None, 'image_url': None, 'sender': 'user', 'status':
            'complete', 'text': 'What are your opening hours?', 'time': '2026-11-21T09:30:00.417000+01:00', 'user_id': 7,
            'who': 'user'}.
        ai_message (Message): A message of a stored chat. Example: {'chat_id': 3, 'created_at':
            '2026-11-21T09:30:00.417000+01:00', 'id': 12, 'image': None, 'image_url': None, 'sender': 'user', 'status':
            'complete', 'text': 'What are your opening hours?', 'time': '2026-11-21T09:30:00.417000+01:00', 'user_id': 7,
            'who': 'user'}.
        sources (list[AnswerSource] | Unset): The pages that the answer is based on, in the order of their importance.
    """

    user_message: Message
    ai_response: Message
    ai_message: Message
    sources: list[AnswerSource] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user_message = self.user_message.to_dict()

        ai_response = self.ai_response.to_dict()

        ai_message = self.ai_message.to_dict()

        sources: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.sources, Unset):
            sources = []
            for sources_item_data in self.sources:
                sources_item = sources_item_data.to_dict()
                sources.append(sources_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user_message": user_message,
                "ai_response": ai_response,
                "ai_message": ai_message,
            }
        )
        if sources is not UNSET:
            field_dict["sources"] = sources

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.answer_source import AnswerSource  # noqa: PLC0415
        from ..models.message import Message  # noqa: PLC0415

        d = dict(src_dict)
        user_message = Message.from_dict(d.pop("user_message"))

        ai_response = Message.from_dict(d.pop("ai_response"))

        ai_message = Message.from_dict(d.pop("ai_message"))

        _sources = d.pop("sources", UNSET)
        sources: list[AnswerSource] | Unset = UNSET
        if _sources is not UNSET:
            sources = []
            for sources_item_data in _sources:
                sources_item = AnswerSource.from_dict(sources_item_data)

                sources.append(sources_item)

        message_exchange = cls(
            user_message=user_message,
            ai_response=ai_response,
            ai_message=ai_message,
            sources=sources,
        )

        message_exchange.additional_properties = d
        return message_exchange

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
