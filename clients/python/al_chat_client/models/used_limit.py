from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.limit_scope import LimitScope
from ..models.limit_unit import LimitUnit
from ..models.limit_window import LimitWindow

T = TypeVar("T", bound="UsedLimit")


@_attrs_define
class UsedLimit:
    """The usage of one limit in its current window: the scope, the quota, and the amounts that are used and reserved.

    Example:
        {'count_id': 'visitor:5f0c7bd1a3e94f7c8b21d6e09a4c3f58', 'quota': 200000, 'reserved': 4120, 'resets_in_seconds':
            30600, 'scope': 'visitor', 'unit': 'tokens', 'used': 187312, 'window': 'day'}

    Attributes:
        count_id (str): The id of the count, for `DELETE /api/admin/limits/{count_id}`: the scope; `@` and the name of
            the site or API key if
            the limit is its own; a colon; and a hash of the visitor or the address in 32 hexadecimal digits. The same
            visitor has
            the same id at all times.
        scope (LimitScope): Whose usage a limit counts: that of one visitor, of one address, of one site, of one API
            key, or of all together; or the sessions (`sessions`), requests for a person (`handovers`) or ratings
            (`feedback`) of one address, of which each counts as a turn.
        unit (LimitUnit): What a limit counts.
        window (LimitWindow): For how long a limit counts: a minute of the clock, or a day of UTC.
        quota (int): The amount that the limit allows in the window.
        used (int): The amount that is used, with what other replicas have reserved for running turns.
        reserved (int): The amount that is reserved for turns that run at this replica.
        resets_in_seconds (int): The seconds until the window ends.
    """

    count_id: str
    scope: LimitScope
    unit: LimitUnit
    window: LimitWindow
    quota: int
    used: int
    reserved: int
    resets_in_seconds: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        count_id = self.count_id

        scope = self.scope.value

        unit = self.unit.value

        window = self.window.value

        quota = self.quota

        used = self.used

        reserved = self.reserved

        resets_in_seconds = self.resets_in_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "count_id": count_id,
                "scope": scope,
                "unit": unit,
                "window": window,
                "quota": quota,
                "used": used,
                "reserved": reserved,
                "resets_in_seconds": resets_in_seconds,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        count_id = d.pop("count_id")

        scope = LimitScope(d.pop("scope"))

        unit = LimitUnit(d.pop("unit"))

        window = LimitWindow(d.pop("window"))

        quota = d.pop("quota")

        used = d.pop("used")

        reserved = d.pop("reserved")

        resets_in_seconds = d.pop("resets_in_seconds")

        used_limit = cls(
            count_id=count_id,
            scope=scope,
            unit=unit,
            window=window,
            quota=quota,
            used=used,
            reserved=reserved,
            resets_in_seconds=resets_in_seconds,
        )

        used_limit.additional_properties = d
        return used_limit

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
