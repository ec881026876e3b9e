from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="LoggedSession")


@_attrs_define
class LoggedSession:
    """A session on one day, with the sums of its turns.

    Example:
        {'cost_usd': 0.00164, 'errors': 0, 'has_ended': False, 'last_turn_at': '2026-11-29T09:34:10.310000+01:00',
            'persona': 'amaya', 'session_id': 'session_20261129_093000_k3vq8mzt5wxnp2ra', 'site': 'shop', 'started_at':
            '2026-11-29T09:30:00.120000+01:00', 'total_tokens': 2172, 'turns': 4, 'user': 'ada'}

    Attributes:
        session_id (str): The id of the session.
        has_ended (bool): Whether it has ended.
        turns (int): The number of turns.
        errors (int): The number of turns that ended without an answer.
        total_tokens (int): The tokens of the turns.
        cost_usd (float): The cost in US dollars, as far as prices are known.
        user (None | str | Unset): The name of the user; null for guests.
        site (None | str | Unset): The id of the site.
        persona (None | str | Unset): The id of the persona.
        started_at (None | str | Unset): The time of its beginning, as the log has it; null if it has not begun on this
            day.
        last_turn_at (None | str | Unset): The time of its last turn, as the log has it; null without turns.
    """

    session_id: str
    has_ended: bool
    turns: int
    errors: int
    total_tokens: int
    cost_usd: float
    user: None | str | Unset = UNSET
    site: None | str | Unset = UNSET
    persona: None | str | Unset = UNSET
    started_at: None | str | Unset = UNSET
    last_turn_at: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        session_id = self.session_id

        has_ended = self.has_ended

        turns = self.turns

        errors = self.errors

        total_tokens = self.total_tokens

        cost_usd = self.cost_usd

        user: None | str | Unset
        if isinstance(self.user, Unset):
            user = UNSET
        else:
            user = self.user

        site: None | str | Unset
        if isinstance(self.site, Unset):
            site = UNSET
        else:
            site = self.site

        persona: None | str | Unset
        if isinstance(self.persona, Unset):
            persona = UNSET
        else:
            persona = self.persona

        started_at: None | str | Unset
        if isinstance(self.started_at, Unset):
            started_at = UNSET
        else:
            started_at = self.started_at

        last_turn_at: None | str | Unset
        if isinstance(self.last_turn_at, Unset):
            last_turn_at = UNSET
        else:
            last_turn_at = self.last_turn_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "session_id": session_id,
                "has_ended": has_ended,
                "turns": turns,
                "errors": errors,
                "total_tokens": total_tokens,
                "cost_usd": cost_usd,
            }
        )
        if user is not UNSET:
            field_dict["user"] = user
        if site is not UNSET:
            field_dict["site"] = site
        if persona is not UNSET:
            field_dict["persona"] = persona
        if started_at is not UNSET:
            field_dict["started_at"] = started_at
        if last_turn_at is not UNSET:
            field_dict["last_turn_at"] = last_turn_at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        session_id = d.pop("session_id")

        has_ended = d.pop("has_ended")

        turns = d.pop("turns")

        errors = d.pop("errors")

        total_tokens = d.pop("total_tokens")

        cost_usd = d.pop("cost_usd")

        def _parse_user(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        user = _parse_user(d.pop("user", UNSET))

        def _parse_site(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        site = _parse_site(d.pop("site", UNSET))

        def _parse_persona(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        persona = _parse_persona(d.pop("persona", UNSET))

        def _parse_started_at(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        started_at = _parse_started_at(d.pop("started_at", UNSET))

        def _parse_last_turn_at(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        last_turn_at = _parse_last_turn_at(d.pop("last_turn_at", UNSET))

        logged_session = cls(
            session_id=session_id,
            has_ended=has_ended,
            turns=turns,
            errors=errors,
            total_tokens=total_tokens,
            cost_usd=cost_usd,
            user=user,
            site=site,
            persona=persona,
            started_at=started_at,
            last_turn_at=last_turn_at,
        )

        logged_session.additional_properties = d
        return logged_session

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
