from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.message import Message


T = TypeVar("T", bound="Chat")


@_attrs_define
class Chat:
    """A stored chat with its messages.

    Example:
        {'created_at': '2026-11-21T09:30:00.417000+01:00', 'id': 7, 'message_count': 2, 'messages': [{'chat_id': 3,
            'created_at': '2026-11-21T09:30:00.417000+01:00', 'id': 12, 'image': None, 'image_url': None, 'sender': 'user',
            'status': 'complete', 'text': 'What are your opening hours?', 'time': '2026-11-21T09:30:00.417000+01:00',
            'user_id': 7, 'who': 'user'}, {'chat_id': 3, 'created_at': '2026-11-21T09:30:02.125000+01:00', 'id': 13,
            'image': None, 'image_url': None, 'sender': 'bot', 'status': 'complete', 'text': 'We are open from nine to
            five.', 'time': '2026-11-21T09:30:02.125000+01:00', 'user_id': 7, 'who': 'bot'}], 'title': 'Opening hours',
            'updated_at': '2026-11-21T09:30:02.125000+01:00', 'user_id': 7}

    Attributes:
        id (int): The chat's number.
        title (str): The chat's title.
        created_at (datetime.datetime): The time of its creation, RFC 3339.
        updated_at (datetime.datetime): The time of the latest message, or of the latest renaming or clearing, RFC 3339.
        message_count (int): The number of messages, of user and model together.
        user_id (int): The account that owns the chat.
        messages (list[Message]): The messages, the oldest first.
        persona (str | Unset): The id of the persona that answers in this chat; left out if no persona is set.
    """

    id: int
    title: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    message_count: int
    user_id: int
    messages: list[Message]
    persona: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        title = self.title

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        message_count = self.message_count

        user_id = self.user_id

        messages = []
        for messages_item_data in self.messages:
            messages_item = messages_item_data.to_dict()
            messages.append(messages_item)

        persona = self.persona

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "title": title,
                "created_at": created_at,
                "updated_at": updated_at,
                "message_count": message_count,
                "user_id": user_id,
                "messages": messages,
            }
        )
        if persona is not UNSET:
            field_dict["persona"] = persona

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.message import Message  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        title = d.pop("title")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        message_count = d.pop("message_count")

        user_id = d.pop("user_id")

        messages = []
        _messages = d.pop("messages")
        for messages_item_data in _messages:
            messages_item = Message.from_dict(messages_item_data)

            messages.append(messages_item)

        persona = d.pop("persona", UNSET)

        chat = cls(
            id=id,
            title=title,
            created_at=created_at,
            updated_at=updated_at,
            message_count=message_count,
            user_id=user_id,
            messages=messages,
            persona=persona,
        )

        chat.additional_properties = d
        return chat

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
