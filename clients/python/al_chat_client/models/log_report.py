from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.log_report_grouping import LogReportGrouping
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.log_report_figures import LogReportFigures
    from ..models.log_report_group import LogReportGroup


T = TypeVar("T", bound="LogReport")


@_attrs_define
class LogReport:
    """Numbers, tokens, cost and times of turns, read from the session log of one replica.

    Example:
        {'by': 'site', 'first_line_at': '2026-11-29T08:12:44.310000+01:00', 'groups': [{'figures': {'completion_tokens':
            17925, 'cost_usd': 0.0189015, 'cut_off': 3, 'errors': 2, 'errors_by_code': {'model_timeout': 2},
            'estimated_turns': 0, 'failed_calls': {'model_overloaded': 1, 'model_timeout': 2}, 'fallbacks': 1, 'finish':
            {'complete': 115, 'stopped': 3, 'upstream_error': 2}, 'first_word_ms': {'max': 1480.25, 'p50': 320, 'p95': 710,
            'p99': 1190}, 'key_lookups': {'fetched': 1, 'hit': 119}, 'key_sources': {'papita_api': 120}, 'latency_ms':
            {'max': 9125.5, 'p50': 1840, 'p95': 4210, 'p99': 6730}, 'prompt_tokens': 54310, 'rated_down': 1, 'rated_up': 9,
            'retried_turns': 2, 'retries': 3, 'sessions': 41, 'sessions_estimated': False, 'total_tokens': 72235, 'turns':
            120, 'unpriced_turns': 0, 'visitors': 38, 'visitors_estimated': False}, 'group': 'shop'}], 'last_line_at':
            '2026-11-29T17:03:09.872000+01:00', 'lines_left_out': 0, 'total': {'completion_tokens': 17925, 'cost_usd':
            0.0189015, 'cut_off': 3, 'errors': 2, 'errors_by_code': {'model_timeout': 2}, 'estimated_turns': 0,
            'failed_calls': {'model_overloaded': 1, 'model_timeout': 2}, 'fallbacks': 1, 'finish': {'complete': 115,
            'stopped': 3, 'upstream_error': 2}, 'first_word_ms': {'max': 1480.25, 'p50': 320, 'p95': 710, 'p99': 1190},
            'key_lookups': {'fetched': 1, 'hit': 119}, 'key_sources': {'papita_api': 120}, 'latency_ms': {'max': 9125.5,
            'p50': 1840, 'p95': 4210, 'p99': 6730}, 'prompt_tokens': 54310, 'rated_down': 1, 'rated_up': 9, 'retried_turns':
            2, 'retries': 3, 'sessions': 41, 'sessions_estimated': False, 'total_tokens': 72235, 'turns': 120,
            'unpriced_turns': 0, 'visitors': 38, 'visitors_estimated': False}, 'unreadable_files': 0}

    Attributes:
        total (LogReportFigures): The figures of turns. Example: {'completion_tokens': 17925, 'cost_usd': 0.0189015,
            'cut_off': 3, 'errors': 2, 'errors_by_code': {'model_timeout': 2}, 'estimated_turns': 0, 'failed_calls':
            {'model_overloaded': 1, 'model_timeout': 2}, 'fallbacks': 1, 'finish': {'complete': 115, 'stopped': 3,
            'upstream_error': 2}, 'first_word_ms': {'max': 1480.25, 'p50': 320, 'p95': 710, 'p99': 1190}, 'key_lookups':
            {'fetched': 1, 'hit': 119}, 'key_sources': {'papita_api': 120}, 'latency_ms': {'max': 9125.5, 'p50': 1840,
            'p95': 4210, 'p99': 6730}, 'prompt_tokens': 54310, 'rated_down': 1, 'rated_up': 9, 'retried_turns': 2,
            'retries': 3, 'sessions': 41, 'sessions_estimated': False, 'total_tokens': 72235, 'turns': 120,
            'unpriced_turns': 0, 'visitors': 38, 'visitors_estimated': False}.
        groups (list[LogReportGroup]): The figures of each group: days and hours in their order, others by their number
            of turns. At most 500: the first in the log.
        lines_left_out (int): The number of lines that are not in the figures, because they are damaged or were counted
            before.
        unreadable_files (int): The number of files that could not be read to their end, so that the figures lack turns.
        by (LogReportGrouping | Unset): The field by which a report groups turns: `user` is the name of the user, `key`
            that of a server's API key, `code` the error code.
            `day` and `hour` are those of a turn's end in the log's time zone.
        first_line_at (None | str | Unset): The time of the first line in the report, as the log has it; null without
            lines.
        last_line_at (None | str | Unset): The time of the last line.
        other_groups (LogReportFigures | Unset): The figures of turns. Example: {'completion_tokens': 17925, 'cost_usd':
            0.0189015, 'cut_off': 3, 'errors': 2, 'errors_by_code': {'model_timeout': 2}, 'estimated_turns': 0,
            'failed_calls': {'model_overloaded': 1, 'model_timeout': 2}, 'fallbacks': 1, 'finish': {'complete': 115,
            'stopped': 3, 'upstream_error': 2}, 'first_word_ms': {'max': 1480.25, 'p50': 320, 'p95': 710, 'p99': 1190},
            'key_lookups': {'fetched': 1, 'hit': 119}, 'key_sources': {'papita_api': 120}, 'latency_ms': {'max': 9125.5,
            'p50': 1840, 'p95': 4210, 'p99': 6730}, 'prompt_tokens': 54310, 'rated_down': 1, 'rated_up': 9, 'retried_turns':
            2, 'retries': 3, 'sessions': 41, 'sessions_estimated': False, 'total_tokens': 72235, 'turns': 120,
            'unpriced_turns': 0, 'visitors': 38, 'visitors_estimated': False}.
    """

    total: LogReportFigures
    groups: list[LogReportGroup]
    lines_left_out: int
    unreadable_files: int
    by: LogReportGrouping | Unset = UNSET
    first_line_at: None | str | Unset = UNSET
    last_line_at: None | str | Unset = UNSET
    other_groups: LogReportFigures | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total = self.total.to_dict()

        groups = []
        for groups_item_data in self.groups:
            groups_item = groups_item_data.to_dict()
            groups.append(groups_item)

        lines_left_out = self.lines_left_out

        unreadable_files = self.unreadable_files

        by: str | Unset = UNSET
        if not isinstance(self.by, Unset):
            by = self.by.value

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

        other_groups: dict[str, Any] | Unset = UNSET
        if not isinstance(self.other_groups, Unset):
            other_groups = self.other_groups.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total": total,
                "groups": groups,
                "lines_left_out": lines_left_out,
                "unreadable_files": unreadable_files,
            }
        )
        if by is not UNSET:
            field_dict["by"] = by
        if first_line_at is not UNSET:
            field_dict["first_line_at"] = first_line_at
        if last_line_at is not UNSET:
            field_dict["last_line_at"] = last_line_at
        if other_groups is not UNSET:
            field_dict["other_groups"] = other_groups

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.log_report_figures import LogReportFigures  # noqa: PLC0415
        from ..models.log_report_group import LogReportGroup  # noqa: PLC0415

        d = dict(src_dict)
        total = LogReportFigures.from_dict(d.pop("total"))

        groups = []
        _groups = d.pop("groups")
        for groups_item_data in _groups:
            groups_item = LogReportGroup.from_dict(groups_item_data)

            groups.append(groups_item)

        lines_left_out = d.pop("lines_left_out")

        unreadable_files = d.pop("unreadable_files")

        _by = d.pop("by", UNSET)
        by: LogReportGrouping | Unset
        if isinstance(_by, Unset):
            by = UNSET
        else:
            by = LogReportGrouping(_by)

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

        _other_groups = d.pop("other_groups", UNSET)
        other_groups: LogReportFigures | Unset
        if isinstance(_other_groups, Unset):
            other_groups = UNSET
        else:
            other_groups = LogReportFigures.from_dict(_other_groups)

        log_report = cls(
            total=total,
            groups=groups,
            lines_left_out=lines_left_out,
            unreadable_files=unreadable_files,
            by=by,
            first_line_at=first_line_at,
            last_line_at=last_line_at,
            other_groups=other_groups,
        )

        log_report.additional_properties = d
        return log_report

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
