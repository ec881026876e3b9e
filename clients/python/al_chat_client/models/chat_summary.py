from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ChatSummary")


@_attrs_define
class ChatSummary:
    """A stored chat without its messages.

    Example:
        {'created_at': '2026-11-21T09:30:00.417000+01:00', 'id': 7, 'message_count': 2, 'title': 'Opening hours',
            'updated_at': '2026-11-21T09:30:02.125000+01:00', 'user_id': 7}

    Attributes:
        id (int): The chat's number.
        title (str): The chat's title.
        created_at (datetime.datetime): The time of its creation, RFC 3339.
        updated_at (datetime.datetime): The time of the latest message, or of the latest renaming or clearing, RFC 3339.
        message_count (int): The number of messages, of user and model together.
        user_id (int): The account that owns the chat.
        persona (str | Unset): The id of the persona that answers in this chat; left out if no persona is set.
    """

    id: int
    title: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    message_count: int
    user_id: int
    persona: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        title = self.title

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        message_count = self.message_count

        user_id = self.user_id

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
            }
        )
        if persona is not UNSET:
            field_dict["persona"] = persona

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        title = d.pop("title")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        message_count = d.pop("message_count")

        user_id = d.pop("user_id")

        persona = d.pop("persona", UNSET)

        chat_summary = cls(
            id=id,
            title=title,
            created_at=created_at,
            updated_at=updated_at,
            message_count=message_count,
            user_id=user_id,
            persona=persona,
        )

        chat_summary.additional_properties = d
        return chat_summary

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
