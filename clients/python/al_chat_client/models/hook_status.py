from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.breaker import Breaker

T = TypeVar("T", bound="HookStatus")


@_attrs_define
class HookStatus:
    """A hook of the owner, and whether it is called.

    Attributes:
        hook (str): The hook: `guard` or `context`.
        breaker (Breaker): The state of a circuit breaker: `closed` (the model or hook is called), `open` (not, after
            failures), `half_open` (one call tries it).
    """

    hook: str
    breaker: Breaker
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        hook = self.hook

        breaker = self.breaker.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "hook": hook,
                "breaker": breaker,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        hook = d.pop("hook")

        breaker = Breaker(d.pop("breaker"))

        hook_status = cls(
            hook=hook,
            breaker=breaker,
        )

        hook_status.additional_properties = d
        return hook_status

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
