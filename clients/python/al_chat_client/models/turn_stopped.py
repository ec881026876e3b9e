from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.turn_status import TurnStatus

T = TypeVar("T", bound="TurnStopped")


@_attrs_define
class TurnStopped:
    """The result of a request to stop a turn.

    Example:
        {'request_id': '019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27', 'status': 'stopped'}

    Attributes:
        status (TurnStatus): `stopped`, or `ended` if the turn had ended before.
        request_id (str): The turn's id.
    """

    status: TurnStatus
    request_id: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status.value

        request_id = self.request_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "request_id": request_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        status = TurnStatus(d.pop("status"))

        request_id = d.pop("request_id")

        turn_stopped = cls(
            status=status,
            request_id=request_id,
        )

        turn_stopped.additional_properties = d
        return turn_stopped

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
