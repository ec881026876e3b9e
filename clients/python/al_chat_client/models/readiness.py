from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.readiness_status import ReadinessStatus

if TYPE_CHECKING:
    from ..models.service_parts import ServiceParts


T = TypeVar("T", bound="Readiness")


@_attrs_define
class Readiness:
    """The service can take traffic.

    Example:
        {'parts': {'database': 'ok', 'model': 'ok', 'serving': 'ok', 'session_log': 'ok', 'tasks': 'ok'}, 'status':
            'ready'}

    Attributes:
        status (ReadinessStatus): Always `ready`.
        parts (ServiceParts): The state of each part of the service: `ok`, or a description of the fault.
    """

    status: ReadinessStatus
    parts: ServiceParts
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status.value

        parts = self.parts.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "parts": parts,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.service_parts import ServiceParts  # noqa: PLC0415

        d = dict(src_dict)
        status = ReadinessStatus(d.pop("status"))

        parts = ServiceParts.from_dict(d.pop("parts"))

        readiness = cls(
            status=status,
            parts=parts,
        )

        readiness.additional_properties = d
        return readiness

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
