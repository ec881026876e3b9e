from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="PortalRequest")


@_attrs_define
class PortalRequest:
    """A message of a visitor of the portal.

    Example:
        {'message': 'What is your favourite flower?'}

    Attributes:
        message (str): The text, 1 to 4000 characters without surrounding white space. `__demo_check__` asks for
            `demo_mode`, and
            is not stored.
        sessionId (None | str | Unset): The session of this turn, for the session log. The header `X-Session-ID` takes
            precedence.
        session_id (None | str | Unset): The same as `sessionId`.
        stream (bool | None | Unset): Whether the response is a stream of events, as with `POST /api/chat`; without this
            field, `Accept`
            decides.
    """

    message: str
    sessionId: None | str | Unset = UNSET
    session_id: None | str | Unset = UNSET
    stream: bool | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        message = self.message

        sessionId: None | str | Unset
        if isinstance(self.sessionId, Unset):
            sessionId = UNSET
        else:
            sessionId = self.sessionId

        session_id: None | str | Unset
        if isinstance(self.session_id, Unset):
            session_id = UNSET
        else:
            session_id = self.session_id

        stream: bool | None | Unset
        if isinstance(self.stream, Unset):
            stream = UNSET
        else:
            stream = self.stream

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "message": message,
            }
        )
        if sessionId is not UNSET:
            field_dict["sessionId"] = sessionId
        if session_id is not UNSET:
            field_dict["session_id"] = session_id
        if stream is not UNSET:
            field_dict["stream"] = stream

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        message = d.pop("message")

        def _parse_sessionId(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        sessionId = _parse_sessionId(d.pop("sessionId", UNSET))

        def _parse_session_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        session_id = _parse_session_id(d.pop("session_id", UNSET))

        def _parse_stream(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        stream = _parse_stream(d.pop("stream", UNSET))

        portal_request = cls(
            message=message,
            sessionId=sessionId,
            session_id=session_id,
            stream=stream,
        )

        portal_request.additional_properties = d
        return portal_request

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
