from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.logged_session import LoggedSession


T = TypeVar("T", bound="SessionPage")


@_attrs_define
class SessionPage:
    """Sessions of a day, the latest first.

    Example:
        {'next': None, 'sessions': [{'cost_usd': 0.00164, 'errors': 0, 'has_ended': False, 'last_turn_at':
            '2026-11-29T09:34:10.310000+01:00', 'persona': 'amaya', 'session_id':
            'session_20261129_093000_k3vq8mzt5wxnp2ra', 'site': 'shop', 'started_at': '2026-11-29T09:30:00.120000+01:00',
            'total_tokens': 2172, 'turns': 4, 'user': 'ada'}]}

    Attributes:
        sessions (list[LoggedSession]): The sessions.
        next_ (None | str | Unset): The cursor of the sessions that follow, for `after`; null if there are none.
    """

    sessions: list[LoggedSession]
    next_: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        sessions = []
        for sessions_item_data in self.sessions:
            sessions_item = sessions_item_data.to_dict()
            sessions.append(sessions_item)

        next_: None | str | Unset
        if isinstance(self.next_, Unset):
            next_ = UNSET
        else:
            next_ = self.next_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "sessions": sessions,
            }
        )
        if next_ is not UNSET:
            field_dict["next"] = next_

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.logged_session import LoggedSession  # noqa: PLC0415

        d = dict(src_dict)
        sessions = []
        _sessions = d.pop("sessions")
        for sessions_item_data in _sessions:
            sessions_item = LoggedSession.from_dict(sessions_item_data)

            sessions.append(sessions_item)

        def _parse_next_(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        next_ = _parse_next_(d.pop("next", UNSET))

        session_page = cls(
            sessions=sessions,
            next_=next_,
        )

        session_page.additional_properties = d
        return session_page

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
