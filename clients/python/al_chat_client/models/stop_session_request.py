from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.stop_session_request_metrics_type_0 import (
        StopSessionRequestMetricsType0,
    )


T = TypeVar("T", bound="StopSessionRequest")


@_attrs_define
class StopSessionRequest:
    """The data that a chat window sends when it closes.

    Example:
        {'metrics': {'messages': 3}, 'session_id': 'session_20261121_093000_k3vq8mzt5wxnp2ra'}

    Attributes:
        session_id (None | str | Unset): The session to stop. The header `X-Session-ID` takes precedence.
        sessionId (None | str | Unset): The same as `session_id`.
        metrics (None | StopSessionRequestMetricsType0 | Unset): Numbers that the window reports, for the session log:
            at most 8 KiB as JSON.
    """

    session_id: None | str | Unset = UNSET
    sessionId: None | str | Unset = UNSET
    metrics: None | StopSessionRequestMetricsType0 | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.stop_session_request_metrics_type_0 import (
            StopSessionRequestMetricsType0,  # noqa: PLC0415
        )

        session_id: None | str | Unset
        if isinstance(self.session_id, Unset):
            session_id = UNSET
        else:
            session_id = self.session_id

        sessionId: None | str | Unset
        if isinstance(self.sessionId, Unset):
            sessionId = UNSET
        else:
            sessionId = self.sessionId

        metrics: dict[str, Any] | None | Unset
        if isinstance(self.metrics, Unset):
            metrics = UNSET
        elif isinstance(self.metrics, StopSessionRequestMetricsType0):
            metrics = self.metrics.to_dict()
        else:
            metrics = self.metrics

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if session_id is not UNSET:
            field_dict["session_id"] = session_id
        if sessionId is not UNSET:
            field_dict["sessionId"] = sessionId
        if metrics is not UNSET:
            field_dict["metrics"] = metrics

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.stop_session_request_metrics_type_0 import (
            StopSessionRequestMetricsType0,  # noqa: PLC0415
        )

        d = dict(src_dict)

        def _parse_session_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        session_id = _parse_session_id(d.pop("session_id", UNSET))

        def _parse_sessionId(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        sessionId = _parse_sessionId(d.pop("sessionId", UNSET))

        def _parse_metrics(data: object) -> None | StopSessionRequestMetricsType0 | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                metrics_type_0 = StopSessionRequestMetricsType0.from_dict(data)

                return metrics_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StopSessionRequestMetricsType0 | Unset, data)

        metrics = _parse_metrics(d.pop("metrics", UNSET))

        stop_session_request = cls(
            session_id=session_id,
            sessionId=sessionId,
            metrics=metrics,
        )

        stop_session_request.additional_properties = d
        return stop_session_request

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
