from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.health_status import HealthStatus

T = TypeVar("T", bound="Health")


@_attrs_define
class Health:
    """The state of the service.

    Example:
        {'demo_mode': False, 'event_queue_depth': 0, 'event_queue_dropped': 0, 'model': 'gpt-4o-mini',
            'openai_configured': True, 'papita_queue_depth': 0, 'papita_queue_dropped': 0, 'status': 'healthy', 'timestamp':
            '2026-11-21T09:30:00.417000+01:00', 'uptime_seconds': 86400, 'version': '0.1.0'}

    Attributes:
        status (HealthStatus): `healthy` while it serves, `stopping` after a signal to stop.
        timestamp (datetime.datetime): The time of the response, RFC 3339.
        openai_configured (bool): Whether turns can be sent to the model: a key is at hand, or the model's server needs
            none.
        demo_mode (bool): Whether the built-in responder answers because no source of a key is configured.
        model (str): The model that is used when a client names none.
        version (str): The version of al-chat.
        uptime_seconds (int): Seconds since the start.
        papita_queue_depth (int): Usage records that wait for Papita.
        papita_queue_dropped (int): Usage records dropped since the database was made: too many waited, or Papita
            refused them.
        event_queue_depth (int): Events that wait to be sent to `EVENTS_URL`.
        event_queue_dropped (int): Events dropped since the database was made: too many waited, they waited too long, or
            the receiver refused them.
    """

    status: HealthStatus
    timestamp: datetime.datetime
    openai_configured: bool
    demo_mode: bool
    model: str
    version: str
    uptime_seconds: int
    papita_queue_depth: int
    papita_queue_dropped: int
    event_queue_depth: int
    event_queue_dropped: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status.value

        timestamp = self.timestamp.isoformat()

        openai_configured = self.openai_configured

        demo_mode = self.demo_mode

        model = self.model

        version = self.version

        uptime_seconds = self.uptime_seconds

        papita_queue_depth = self.papita_queue_depth

        papita_queue_dropped = self.papita_queue_dropped

        event_queue_depth = self.event_queue_depth

        event_queue_dropped = self.event_queue_dropped

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "timestamp": timestamp,
                "openai_configured": openai_configured,
                "demo_mode": demo_mode,
                "model": model,
                "version": version,
                "uptime_seconds": uptime_seconds,
                "papita_queue_depth": papita_queue_depth,
                "papita_queue_dropped": papita_queue_dropped,
                "event_queue_depth": event_queue_depth,
                "event_queue_dropped": event_queue_dropped,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        status = HealthStatus(d.pop("status"))

        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

        openai_configured = d.pop("openai_configured")

        demo_mode = d.pop("demo_mode")

        model = d.pop("model")

        version = d.pop("version")

        uptime_seconds = d.pop("uptime_seconds")

        papita_queue_depth = d.pop("papita_queue_depth")

        papita_queue_dropped = d.pop("papita_queue_dropped")

        event_queue_depth = d.pop("event_queue_depth")

        event_queue_dropped = d.pop("event_queue_dropped")

        health = cls(
            status=status,
            timestamp=timestamp,
            openai_configured=openai_configured,
            demo_mode=demo_mode,
            model=model,
            version=version,
            uptime_seconds=uptime_seconds,
            papita_queue_depth=papita_queue_depth,
            papita_queue_dropped=papita_queue_dropped,
            event_queue_depth=event_queue_depth,
            event_queue_dropped=event_queue_dropped,
        )

        health.additional_properties = d
        return health

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
