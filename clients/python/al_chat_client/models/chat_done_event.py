from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.chat_done_event_name import ChatDoneEventName

if TYPE_CHECKING:
    from ..models.chat_answer import ChatAnswer


T = TypeVar("T", bound="ChatDoneEvent")


@_attrs_define
class ChatDoneEvent:
    """The answer is complete, or was stopped; the last event.

    Attributes:
        id (int): The event's number in the stream, from 1.
        event (ChatDoneEventName):
        data (ChatAnswer): The answer of a turn. Example: {'finish_reason': 'complete', 'message': 'We are open from
            nine to five.', 'model': 'gpt-4o-mini', 'request_id': '019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27', 'session_id':
            'session_20261121_093000_k3vq8mzt5wxnp2ra', 'timestamp': '2026-11-21T09:30:02.125000+01:00', 'usage':
            {'completion_tokens': 9, 'model': 'gpt-4o-mini', 'prompt_tokens': 14, 'total_tokens': 23}}.
    """

    id: int
    event: ChatDoneEventName
    data: ChatAnswer
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        event = self.event.value

        data = self.data.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "event": event,
                "data": data,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.chat_answer import ChatAnswer  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        event = ChatDoneEventName(d.pop("event"))

        data = ChatAnswer.from_dict(d.pop("data"))

        chat_done_event = cls(
            id=id,
            event=event,
            data=data,
        )

        chat_done_event.additional_properties = d
        return chat_done_event

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
