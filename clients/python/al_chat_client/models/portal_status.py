from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="PortalStatus")


@_attrs_define
class PortalStatus:
    """The status of the portal: whether a language model or the built-in responder answers its messages.

    Example:
        {'demo_mode': False, 'openai_available': True}

    Attributes:
        openai_available (bool): Whether a language model answers.
        demo_mode (bool): Whether the built-in responder answers.
    """

    openai_available: bool
    demo_mode: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        openai_available = self.openai_available

        demo_mode = self.demo_mode

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "openai_available": openai_available,
                "demo_mode": demo_mode,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        openai_available = d.pop("openai_available")

        demo_mode = d.pop("demo_mode")

        portal_status = cls(
            openai_available=openai_available,
            demo_mode=demo_mode,
        )

        portal_status.additional_properties = d
        return portal_status

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
