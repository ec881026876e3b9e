from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.portal_role import PortalRole

T = TypeVar("T", bound="PortalMessage")


@_attrs_define
class PortalMessage:
    """A message of the visitor or of the model.

    Example:
        {'content': 'What is your favourite flower?', 'role': 'user', 'timestamp': '0'}

    Attributes:
        role (PortalRole): The author of a message of the portal: the visitor, or the model.
        content (str): The text of the message.
        timestamp (str): The message's position in the list, from 0, as a string.
    """

    role: PortalRole
    content: str
    timestamp: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        role = self.role.value

        content = self.content

        timestamp = self.timestamp

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "role": role,
                "content": content,
                "timestamp": timestamp,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        role = PortalRole(d.pop("role"))

        content = d.pop("content")

        timestamp = d.pop("timestamp")

        portal_message = cls(
            role=role,
            content=content,
            timestamp=timestamp,
        )

        portal_message.additional_properties = d
        return portal_message

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
