from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.log_report_figures import LogReportFigures


T = TypeVar("T", bound="DayFigures")


@_attrs_define
class DayFigures:
    """The figures of a day.

    Example:
        {'date': '2026-11-29', 'figures': {'completion_tokens': 17925, 'cost_usd': 0.0189015, 'cut_off': 3, 'errors': 2,
            'errors_by_code': {'model_timeout': 2}, 'estimated_turns': 0, 'failed_calls': {'model_overloaded': 1,
            'model_timeout': 2}, 'fallbacks': 1, 'finish': {'complete': 115, 'stopped': 3, 'upstream_error': 2},
            'first_word_ms': {'max': 1480.25, 'p50': 320, 'p95': 710, 'p99': 1190}, 'key_lookups': {'fetched': 1, 'hit':
            119}, 'key_sources': {'papita_api': 120}, 'latency_ms': {'max': 9125.5, 'p50': 1840, 'p95': 4210, 'p99': 6730},
            'prompt_tokens': 54310, 'rated_down': 1, 'rated_up': 9, 'retried_turns': 2, 'retries': 3, 'sessions': 41,
            'sessions_estimated': False, 'total_tokens': 72235, 'turns': 120, 'unpriced_turns': 0, 'visitors': 38,
            'visitors_estimated': False}}

    Attributes:
        date (str): The day in the log's time zone.
        figures (LogReportFigures): The figures of turns. Example: {'completion_tokens': 17925, 'cost_usd': 0.0189015,
            'cut_off': 3, 'errors': 2, 'errors_by_code': {'model_timeout': 2}, 'estimated_turns': 0, 'failed_calls':
            {'model_overloaded': 1, 'model_timeout': 2}, 'fallbacks': 1, 'finish': {'complete': 115, 'stopped': 3,
            'upstream_error': 2}, 'first_word_ms': {'max': 1480.25, 'p50': 320, 'p95': 710, 'p99': 1190}, 'key_lookups':
            {'fetched': 1, 'hit': 119}, 'key_sources': {'papita_api': 120}, 'latency_ms': {'max': 9125.5, 'p50': 1840,
            'p95': 4210, 'p99': 6730}, 'prompt_tokens': 54310, 'rated_down': 1, 'rated_up': 9, 'retried_turns': 2,
            'retries': 3, 'sessions': 41, 'sessions_estimated': False, 'total_tokens': 72235, 'turns': 120,
            'unpriced_turns': 0, 'visitors': 38, 'visitors_estimated': False}.
    """

    date: str
    figures: LogReportFigures
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        date = self.date

        figures = self.figures.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "date": date,
                "figures": figures,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.log_report_figures import LogReportFigures  # noqa: PLC0415

        d = dict(src_dict)
        date = d.pop("date")

        figures = LogReportFigures.from_dict(d.pop("figures"))

        day_figures = cls(
            date=date,
            figures=figures,
        )

        day_figures.additional_properties = d
        return day_figures

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
