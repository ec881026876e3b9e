from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.no_texts import NoTexts
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.logged_turn import LoggedTurn


T = TypeVar("T", bound="SessionTurn")


@_attrs_define
class SessionTurn:
    """A turn of a session.

    Example:
        {'answer': 'Yes, we do.', 'message': 'Do you ship to Norway?', 'turn': {'code': None, 'cost_usd': 7.5e-06,
            'finish': 'complete', 'first_word_ms': 302.425, 'latency_ms': 842.508, 'model': 'gpt-4o-mini', 'persona':
            'amaya', 'request_id': '01a22757-0d11-725c-9a9d-cbf19ebe8885', 'session_id':
            'session_20261129_093000_k3vq8mzt5wxnp2ra', 'site': 'shop', 'timestamp': '2026-11-29T13:45:46.132000+01:00',
            'total_tokens': 23, 'user': 'ada'}}

    Attributes:
        turn (LoggedTurn): A turn in the session log. Lines of earlier versions lack fields, which are null. Example:
            {'code': None, 'cost_usd': 7.5e-06, 'finish': 'complete', 'first_word_ms': 302.425, 'latency_ms': 842.508,
            'model': 'gpt-4o-mini', 'persona': 'amaya', 'request_id': '01a22757-0d11-725c-9a9d-cbf19ebe8885', 'session_id':
            'session_20261129_093000_k3vq8mzt5wxnp2ra', 'site': 'shop', 'timestamp': '2026-11-29T13:45:46.132000+01:00',
            'total_tokens': 23, 'user': 'ada'}.
        message (None | str | Unset): The question; null if it cannot be read.
        answer (None | str | Unset): The answer; null if it cannot be read.
        no_texts (NoTexts | Unset): Why a turn has no texts: the log has none (`not_logged`), they were erased, or their
            key is in another database (`erased`), or the line
            was altered (`altered`).
    """

    turn: LoggedTurn
    message: None | str | Unset = UNSET
    answer: None | str | Unset = UNSET
    no_texts: NoTexts | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        turn = self.turn.to_dict()

        message: None | str | Unset
        if isinstance(self.message, Unset):
            message = UNSET
        else:
            message = self.message

        answer: None | str | Unset
        if isinstance(self.answer, Unset):
            answer = UNSET
        else:
            answer = self.answer

        no_texts: str | Unset = UNSET
        if not isinstance(self.no_texts, Unset):
            no_texts = self.no_texts.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "turn": turn,
            }
        )
        if message is not UNSET:
            field_dict["message"] = message
        if answer is not UNSET:
            field_dict["answer"] = answer
        if no_texts is not UNSET:
            field_dict["no_texts"] = no_texts

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.logged_turn import LoggedTurn  # noqa: PLC0415

        d = dict(src_dict)
        turn = LoggedTurn.from_dict(d.pop("turn"))

        def _parse_message(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        message = _parse_message(d.pop("message", UNSET))

        def _parse_answer(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        answer = _parse_answer(d.pop("answer", UNSET))

        _no_texts = d.pop("no_texts", UNSET)
        no_texts: NoTexts | Unset
        if isinstance(_no_texts, Unset):
            no_texts = UNSET
        else:
            no_texts = NoTexts(_no_texts)

        session_turn = cls(
            turn=turn,
            message=message,
            answer=answer,
            no_texts=no_texts,
        )

        session_turn.additional_properties = d
        return session_turn

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
