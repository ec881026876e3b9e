from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="LoggedTurn")


@_attrs_define
class LoggedTurn:
    """A turn in the session log. Lines of earlier versions lack fields, which are null.

    Example:
        {'code': None, 'cost_usd': 7.5e-06, 'finish': 'complete', 'first_word_ms': 302.425, 'latency_ms': 842.508,
            'model': 'gpt-4o-mini', 'persona': 'amaya', 'request_id': '01a22757-0d11-725c-9a9d-cbf19ebe8885', 'session_id':
            'session_20261129_093000_k3vq8mzt5wxnp2ra', 'site': 'shop', 'timestamp': '2026-11-29T13:45:46.132000+01:00',
            'total_tokens': 23, 'user': 'ada'}

    Attributes:
        timestamp (datetime.datetime): The time of its end, as the log has it.
        request_id (None | str | Unset): The id of the request.
        session_id (None | str | Unset): The id of the session.
        user (None | str | Unset): The name of the user; null for guests.
        site (None | str | Unset): The id of the site.
        persona (None | str | Unset): The id of the persona.
        model (None | str | Unset): The model that was called.
        finish (None | str | Unset): The way in which it ended, as the log names it.
        code (None | str | Unset): The error code; null for answered turns.
        total_tokens (int | None | Unset): The tokens of the prompt and the answer.
        cost_usd (float | None | Unset): The cost in US dollars; null if the model's price is not known.
        latency_ms (float | None | Unset): The time from the request to its end, in ms.
        first_word_ms (float | None | Unset): The time from the request to the first text, in ms.
    """

    timestamp: datetime.datetime
    request_id: None | str | Unset = UNSET
    session_id: None | str | Unset = UNSET
    user: None | str | Unset = UNSET
    site: None | str | Unset = UNSET
    persona: None | str | Unset = UNSET
    model: None | str | Unset = UNSET
    finish: None | str | Unset = UNSET
    code: None | str | Unset = UNSET
    total_tokens: int | None | Unset = UNSET
    cost_usd: float | None | Unset = UNSET
    latency_ms: float | None | Unset = UNSET
    first_word_ms: float | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        timestamp = self.timestamp.isoformat()

        request_id: None | str | Unset
        if isinstance(self.request_id, Unset):
            request_id = UNSET
        else:
            request_id = self.request_id

        session_id: None | str | Unset
        if isinstance(self.session_id, Unset):
            session_id = UNSET
        else:
            session_id = self.session_id

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

        model: None | str | Unset
        if isinstance(self.model, Unset):
            model = UNSET
        else:
            model = self.model

        finish: None | str | Unset
        if isinstance(self.finish, Unset):
            finish = UNSET
        else:
            finish = self.finish

        code: None | str | Unset
        if isinstance(self.code, Unset):
            code = UNSET
        else:
            code = self.code

        total_tokens: int | None | Unset
        if isinstance(self.total_tokens, Unset):
            total_tokens = UNSET
        else:
            total_tokens = self.total_tokens

        cost_usd: float | None | Unset
        if isinstance(self.cost_usd, Unset):
            cost_usd = UNSET
        else:
            cost_usd = self.cost_usd

        latency_ms: float | None | Unset
        if isinstance(self.latency_ms, Unset):
            latency_ms = UNSET
        else:
            latency_ms = self.latency_ms

        first_word_ms: float | None | Unset
        if isinstance(self.first_word_ms, Unset):
            first_word_ms = UNSET
        else:
            first_word_ms = self.first_word_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "timestamp": timestamp,
            }
        )
        if request_id is not UNSET:
            field_dict["request_id"] = request_id
        if session_id is not UNSET:
            field_dict["session_id"] = session_id
        if user is not UNSET:
            field_dict["user"] = user
        if site is not UNSET:
            field_dict["site"] = site
        if persona is not UNSET:
            field_dict["persona"] = persona
        if model is not UNSET:
            field_dict["model"] = model
        if finish is not UNSET:
            field_dict["finish"] = finish
        if code is not UNSET:
            field_dict["code"] = code
        if total_tokens is not UNSET:
            field_dict["total_tokens"] = total_tokens
        if cost_usd is not UNSET:
            field_dict["cost_usd"] = cost_usd
        if latency_ms is not UNSET:
            field_dict["latency_ms"] = latency_ms
        if first_word_ms is not UNSET:
            field_dict["first_word_ms"] = first_word_ms

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

        def _parse_request_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        request_id = _parse_request_id(d.pop("request_id", UNSET))

        def _parse_session_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        session_id = _parse_session_id(d.pop("session_id", UNSET))

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

        def _parse_model(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        model = _parse_model(d.pop("model", UNSET))

        def _parse_finish(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        finish = _parse_finish(d.pop("finish", UNSET))

        def _parse_code(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        code = _parse_code(d.pop("code", UNSET))

        def _parse_total_tokens(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        total_tokens = _parse_total_tokens(d.pop("total_tokens", UNSET))

        def _parse_cost_usd(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        cost_usd = _parse_cost_usd(d.pop("cost_usd", UNSET))

        def _parse_latency_ms(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        latency_ms = _parse_latency_ms(d.pop("latency_ms", UNSET))

        def _parse_first_word_ms(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        first_word_ms = _parse_first_word_ms(d.pop("first_word_ms", UNSET))

        logged_turn = cls(
            timestamp=timestamp,
            request_id=request_id,
            session_id=session_id,
            user=user,
            site=site,
            persona=persona,
            model=model,
            finish=finish,
            code=code,
            total_tokens=total_tokens,
            cost_usd=cost_usd,
            latency_ms=latency_ms,
            first_word_ms=first_word_ms,
        )

        logged_turn.additional_properties = d
        return logged_turn

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
