from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SessionStarted")


@_attrs_define
class SessionStarted:
    """A session that was started.

    Example:
        {'handover': False, 'session_id': 'session_20261121_093000_k3vq8mzt5wxnp2ra', 'timestamp':
            '2026-11-21T09:30:00.417000+01:00'}

    Attributes:
        session_id (str): The session's id, to be sent with each turn.
        timestamp (datetime.datetime): The time of its start, RFC 3339.
        handover (bool): Whether the visitor can ask for a person (`POST /api/session/{session_id}/handover`).
    """

    session_id: str
    timestamp: datetime.datetime
    handover: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        session_id = self.session_id

        timestamp = self.timestamp.isoformat()

        handover = self.handover

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "session_id": session_id,
                "timestamp": timestamp,
                "handover": handover,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        session_id = d.pop("session_id")

        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

        handover = d.pop("handover")

        session_started = cls(
            session_id=session_id,
            timestamp=timestamp,
            handover=handover,
        )

        session_started.additional_properties = d
        return session_started

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
