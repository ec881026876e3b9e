from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.log_report_figures import LogReportFigures
    from ..models.log_report_group import LogReportGroup


T = TypeVar("T", bound="Overview")


@_attrs_define
class Overview:
    """The figures of one day, read from the session log of one replica.

    Example:
        {'by_hour': [], 'by_model': [], 'by_persona': [], 'by_site': [{'figures': {'completion_tokens': 17925,
            'cost_usd': 0.0189015, 'cut_off': 3, 'errors': 2, 'errors_by_code': {'model_timeout': 2}, 'estimated_turns': 0,
            'failed_calls': {'model_overloaded': 1, 'model_timeout': 2}, 'fallbacks': 1, 'finish': {'complete': 115,
            'stopped': 3, 'upstream_error': 2}, 'first_word_ms': {'max': 1480.25, 'p50': 320, 'p95': 710, 'p99': 1190},
            'key_lookups': {'fetched': 1, 'hit': 119}, 'key_sources': {'papita_api': 120}, 'latency_ms': {'max': 9125.5,
            'p50': 1840, 'p95': 4210, 'p99': 6730}, 'prompt_tokens': 54310, 'rated_down': 1, 'rated_up': 9, 'retried_turns':
            2, 'retries': 3, 'sessions': 41, 'sessions_estimated': False, 'total_tokens': 72235, 'turns': 120,
            'unpriced_turns': 0, 'visitors': 38, 'visitors_estimated': False}, 'group': 'shop'}], 'date': '2026-11-29',
            'first_line_at': '2026-11-29T08:12:44.310000+01:00', 'last_line_at': '2026-11-29T17:03:09.872000+01:00',
            'lines_left_out': 0, 'time_zone': 'Europe/Berlin', 'total': {'completion_tokens': 17925, 'cost_usd': 0.0189015,
            'cut_off': 3, 'errors': 2, 'errors_by_code': {'model_timeout': 2}, 'estimated_turns': 0, 'failed_calls':
            {'model_overloaded': 1, 'model_timeout': 2}, 'fallbacks': 1, 'finish': {'complete': 115, 'stopped': 3,
            'upstream_error': 2}, 'first_word_ms': {'max': 1480.25, 'p50': 320, 'p95': 710, 'p99': 1190}, 'key_lookups':
            {'fetched': 1, 'hit': 119}, 'key_sources': {'papita_api': 120}, 'latency_ms': {'max': 9125.5, 'p50': 1840,
            'p95': 4210, 'p99': 6730}, 'prompt_tokens': 54310, 'rated_down': 1, 'rated_up': 9, 'retried_turns': 2,
            'retries': 3, 'sessions': 41, 'sessions_estimated': False, 'total_tokens': 72235, 'turns': 120,
            'unpriced_turns': 0, 'visitors': 38, 'visitors_estimated': False}, 'unreadable_files': 0}

    Attributes:
        date (str): The day in the log's time zone.
        time_zone (str): The name of the log's time zone, or its offset now.
        total (LogReportFigures): The figures of turns. Example: {'completion_tokens': 17925, 'cost_usd': 0.0189015,
            'cut_off': 3, 'errors': 2, 'errors_by_code': {'model_timeout': 2}, 'estimated_turns': 0, 'failed_calls':
            {'model_overloaded': 1, 'model_timeout': 2}, 'fallbacks': 1, 'finish': {'complete': 115, 'stopped': 3,
            'upstream_error': 2}, 'first_word_ms': {'max': 1480.25, 'p50': 320, 'p95': 710, 'p99': 1190}, 'key_lookups':
            {'fetched': 1, 'hit': 119}, 'key_sources': {'papita_api': 120}, 'latency_ms': {'max': 9125.5, 'p50': 1840,
            'p95': 4210, 'p99': 6730}, 'prompt_tokens': 54310, 'rated_down': 1, 'rated_up': 9, 'retried_turns': 2,
            'retries': 3, 'sessions': 41, 'sessions_estimated': False, 'total_tokens': 72235, 'turns': 120,
            'unpriced_turns': 0, 'visitors': 38, 'visitors_estimated': False}.
        by_hour (list[LogReportGroup]): Those of each hour with turns, in their order.
        by_model (list[LogReportGroup]): Those of each model, the one with most turns first. At most 500, as of sites
            and personas: the first in the log.
        by_site (list[LogReportGroup]): Those of each site; the group null is of turns without one.
        by_persona (list[LogReportGroup]): Those of each persona.
        lines_left_out (int): The number of lines that are not in the figures, because they are damaged or were counted
            before.
        unreadable_files (int): The number of files that could not be read to their end, so that the figures lack turns.
        first_line_at (None | str | Unset): The time of the first line of the day, as the log has it; null without
            lines.
        last_line_at (None | str | Unset): The time of the last line.
    """

    date: str
    time_zone: str
    total: LogReportFigures
    by_hour: list[LogReportGroup]
    by_model: list[LogReportGroup]
    by_site: list[LogReportGroup]
    by_persona: list[LogReportGroup]
    lines_left_out: int
    unreadable_files: int
    first_line_at: None | str | Unset = UNSET
    last_line_at: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        date = self.date

        time_zone = self.time_zone

        total = self.total.to_dict()

        by_hour = []
        for by_hour_item_data in self.by_hour:
            by_hour_item = by_hour_item_data.to_dict()
            by_hour.append(by_hour_item)

        by_model = []
        for by_model_item_data in self.by_model:
            by_model_item = by_model_item_data.to_dict()
            by_model.append(by_model_item)

        by_site = []
        for by_site_item_data in self.by_site:
            by_site_item = by_site_item_data.to_dict()
            by_site.append(by_site_item)

        by_persona = []
        for by_persona_item_data in self.by_persona:
            by_persona_item = by_persona_item_data.to_dict()
            by_persona.append(by_persona_item)

        lines_left_out = self.lines_left_out

        unreadable_files = self.unreadable_files

        first_line_at: None | str | Unset
        if isinstance(self.first_line_at, Unset):
            first_line_at = UNSET
        else:
            first_line_at = self.first_line_at

        last_line_at: None | str | Unset
        if isinstance(self.last_line_at, Unset):
            last_line_at = UNSET
        else:
            last_line_at = self.last_line_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "date": date,
                "time_zone": time_zone,
                "total": total,
                "by_hour": by_hour,
                "by_model": by_model,
                "by_site": by_site,
                "by_persona": by_persona,
                "lines_left_out": lines_left_out,
                "unreadable_files": unreadable_files,
            }
        )
        if first_line_at is not UNSET:
            field_dict["first_line_at"] = first_line_at
        if last_line_at is not UNSET:
            field_dict["last_line_at"] = last_line_at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.log_report_figures import LogReportFigures  # noqa: PLC0415
        from ..models.log_report_group import LogReportGroup  # noqa: PLC0415

        d = dict(src_dict)
        date = d.pop("date")

        time_zone = d.pop("time_zone")

        total = LogReportFigures.from_dict(d.pop("total"))

        by_hour = []
        _by_hour = d.pop("by_hour")
        for by_hour_item_data in _by_hour:
            by_hour_item = LogReportGroup.from_dict(by_hour_item_data)

            by_hour.append(by_hour_item)

        by_model = []
        _by_model = d.pop("by_model")
        for by_model_item_data in _by_model:
            by_model_item = LogReportGroup.from_dict(by_model_item_data)

            by_model.append(by_model_item)

        by_site = []
        _by_site = d.pop("by_site")
        for by_site_item_data in _by_site:
            by_site_item = LogReportGroup.from_dict(by_site_item_data)

            by_site.append(by_site_item)

        by_persona = []
        _by_persona = d.pop("by_persona")
        for by_persona_item_data in _by_persona:
            by_persona_item = LogReportGroup.from_dict(by_persona_item_data)

            by_persona.append(by_persona_item)

        lines_left_out = d.pop("lines_left_out")

        unreadable_files = d.pop("unreadable_files")

        def _parse_first_line_at(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        first_line_at = _parse_first_line_at(d.pop("first_line_at", UNSET))

        def _parse_last_line_at(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        last_line_at = _parse_last_line_at(d.pop("last_line_at", UNSET))

        overview = cls(
            date=date,
            time_zone=time_zone,
            total=total,
            by_hour=by_hour,
            by_model=by_model,
            by_site=by_site,
            by_persona=by_persona,
            lines_left_out=lines_left_out,
            unreadable_files=unreadable_files,
            first_line_at=first_line_at,
            last_line_at=last_line_at,
        )

        overview.additional_properties = d
        return overview

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
