from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.portal_message import PortalMessage


T = TypeVar("T", bound="PortalHistory")


@_attrs_define
class PortalHistory:
    """The messages of a visitor's chat.

    Example:
        {'history': [{'content': 'What is your favourite flower?', 'role': 'user', 'timestamp': '0'}, {'content':
            'Cherry blossoms, of course!', 'role': 'assistant', 'timestamp': '1'}]}

    Attributes:
        history (list[PortalMessage]): The latest 1000 answered messages and their answers, the oldest first.
    """

    history: list[PortalMessage]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        history = []
        for history_item_data in self.history:
            history_item = history_item_data.to_dict()
            history.append(history_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "history": history,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.portal_message import PortalMessage  # noqa: PLC0415

        d = dict(src_dict)
        history = []
        _history = d.pop("history")
        for history_item_data in _history:
            history_item = PortalMessage.from_dict(history_item_data)

            history.append(history_item)

        portal_history = cls(
            history=history,
        )

        portal_history.additional_properties = d
        return portal_history

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
