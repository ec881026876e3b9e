from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.session_turn import SessionTurn


T = TypeVar("T", bound="SessionTurns")


@_attrs_define
class SessionTurns:
    """The turns of a session on one day.

    Example:
        {'has_earlier': False, 'turns': [{'answer': 'Yes, we do.', 'message': 'Do you ship to Norway?', 'turn': {'code':
            None, 'cost_usd': 7.5e-06, 'finish': 'complete', 'first_word_ms': 302.425, 'latency_ms': 842.508, 'model':
            'gpt-4o-mini', 'persona': 'amaya', 'request_id': '01a22757-0d11-725c-9a9d-cbf19ebe8885', 'session_id':
            'session_20261129_093000_k3vq8mzt5wxnp2ra', 'site': 'shop', 'timestamp': '2026-11-29T13:45:46.132000+01:00',
            'total_tokens': 23, 'user': 'ada'}}]}

    Attributes:
        turns (list[SessionTurn]): The turns in their order, at most the last 500.
        has_earlier (bool): Whether there are earlier ones.
    """

    turns: list[SessionTurn]
    has_earlier: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        turns = []
        for turns_item_data in self.turns:
            turns_item = turns_item_data.to_dict()
            turns.append(turns_item)

        has_earlier = self.has_earlier

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "turns": turns,
                "has_earlier": has_earlier,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.session_turn import SessionTurn  # noqa: PLC0415

        d = dict(src_dict)
        turns = []
        _turns = d.pop("turns")
        for turns_item_data in _turns:
            turns_item = SessionTurn.from_dict(turns_item_data)

            turns.append(turns_item)

        has_earlier = d.pop("has_earlier")

        session_turns = cls(
            turns=turns,
            has_earlier=has_earlier,
        )

        session_turns.additional_properties = d
        return session_turns

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
