from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.message import Message


T = TypeVar("T", bound="FoundMessage")


@_attrs_define
class FoundMessage:
    """A message that matches a search.

    Example:
        {'chat_id': 3, 'chat_title': 'Opening hours', 'message': {'chat_id': 3, 'created_at':
            '2026-11-21T09:30:00.417000+01:00', 'id': 12, 'image': None, 'image_url': None, 'sender': 'user', 'status':
            'complete', 'text': 'What are your opening hours?', 'time': '2026-11-21T09:30:00.417000+01:00', 'user_id': 7,
            'who': 'user'}}

    Attributes:
        chat_id (int): The number of the message's chat.
        chat_title (str): The title of the message's chat.
        message (Message): A message of a stored chat. Example: {'chat_id': 3, 'created_at':
            '2026-11-21T09:30:00.417000+01:00', 'id': 12, 'image': None, 'image_url': None, 'sender': 'user', 'status':
            'complete', 'text': 'What are your opening hours?', 'time': '2026-11-21T09:30:00.417000+01:00', 'user_id': 7,
            'who': 'user'}.
    """

    chat_id: int
    chat_title: str
    message: Message
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        chat_id = self.chat_id

        chat_title = self.chat_title

        message = self.message.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "chat_id": chat_id,
                "chat_title": chat_title,
                "message": message,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.message import Message  # noqa: PLC0415

        d = dict(src_dict)
        chat_id = d.pop("chat_id")

        chat_title = d.pop("chat_title")

        message = Message.from_dict(d.pop("message"))

        found_message = cls(
            chat_id=chat_id,
            chat_title=chat_title,
            message=message,
        )

        found_message.additional_properties = d
        return found_message

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
