from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ServiceParts")


@_attrs_define
class ServiceParts:
    """The state of each part of the service: `ok`, or a description of the fault.

    Attributes:
        serving (str): Whether requests are taken.
        database (str): Whether the database can be written.
        session_log (str): Whether the session log can be written.
        tasks (str): Whether no background task has panicked.
        model (str): Models whose circuit breaker is open. They don't affect readiness: another replica would find the
            model no
            better, and this one refuses at once, or calls another model.
    """

    serving: str
    database: str
    session_log: str
    tasks: str
    model: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        serving = self.serving

        database = self.database

        session_log = self.session_log

        tasks = self.tasks

        model = self.model

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "serving": serving,
                "database": database,
                "session_log": session_log,
                "tasks": tasks,
                "model": model,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        serving = d.pop("serving")

        database = d.pop("database")

        session_log = d.pop("session_log")

        tasks = d.pop("tasks")

        model = d.pop("model")

        service_parts = cls(
            serving=serving,
            database=database,
            session_log=session_log,
            tasks=tasks,
            model=model,
        )

        service_parts.additional_properties = d
        return service_parts

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
