from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.used_limit import UsedLimit


T = TypeVar("T", bound="UsedLimits")


@_attrs_define
class UsedLimits:
    """The limits that are nearly or wholly used up, those that are used the most first.

    Example:
        {'has_more': False, 'limits': [{'count_id': 'visitor:5f0c7bd1a3e94f7c8b21d6e09a4c3f58', 'quota': 200000,
            'reserved': 4120, 'resets_in_seconds': 30600, 'scope': 'visitor', 'unit': 'tokens', 'used': 187312, 'window':
            'day'}]}

    Attributes:
        limits (list[UsedLimit]): The limits.
        has_more (bool): Whether there are more of them.
    """

    limits: list[UsedLimit]
    has_more: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        limits = []
        for limits_item_data in self.limits:
            limits_item = limits_item_data.to_dict()
            limits.append(limits_item)

        has_more = self.has_more

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "limits": limits,
                "has_more": has_more,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.used_limit import UsedLimit  # noqa: PLC0415

        d = dict(src_dict)
        limits = []
        _limits = d.pop("limits")
        for limits_item_data in _limits:
            limits_item = UsedLimit.from_dict(limits_item_data)

            limits.append(limits_item)

        has_more = d.pop("has_more")

        used_limits = cls(
            limits=limits,
            has_more=has_more,
        )

        used_limits.additional_properties = d
        return used_limits

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
