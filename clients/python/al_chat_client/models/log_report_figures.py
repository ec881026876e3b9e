from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.log_report_figures_errors_by_code import LogReportFiguresErrorsByCode
    from ..models.log_report_figures_failed_calls import LogReportFiguresFailedCalls
    from ..models.log_report_figures_finish import LogReportFiguresFinish
    from ..models.log_report_figures_key_lookups import LogReportFiguresKeyLookups
    from ..models.log_report_figures_key_sources import LogReportFiguresKeySources
    from ..models.log_report_percentiles import LogReportPercentiles


T = TypeVar("T", bound="LogReportFigures")


@_attrs_define
class LogReportFigures:
    """The figures of turns.

    Example:
        {'completion_tokens': 17925, 'cost_usd': 0.0189015, 'cut_off': 3, 'errors': 2, 'errors_by_code':
            {'model_timeout': 2}, 'estimated_turns': 0, 'failed_calls': {'model_overloaded': 1, 'model_timeout': 2},
            'fallbacks': 1, 'finish': {'complete': 115, 'stopped': 3, 'upstream_error': 2}, 'first_word_ms': {'max':
            1480.25, 'p50': 320, 'p95': 710, 'p99': 1190}, 'key_lookups': {'fetched': 1, 'hit': 119}, 'key_sources':
            {'papita_api': 120}, 'latency_ms': {'max': 9125.5, 'p50': 1840, 'p95': 4210, 'p99': 6730}, 'prompt_tokens':
            54310, 'rated_down': 1, 'rated_up': 9, 'retried_turns': 2, 'retries': 3, 'sessions': 41, 'sessions_estimated':
            False, 'total_tokens': 72235, 'turns': 120, 'unpriced_turns': 0, 'visitors': 38, 'visitors_estimated': False}

    Attributes:
        turns (int): The number of turns.
        errors (int): The number of turns that ended without an answer.
        errors_by_code (LogReportFiguresErrorsByCode): The number of these by error code.
        finish (LogReportFiguresFinish): The number of turns by the way in which they ended, as the session log names
            it.
        cut_off (int): The number of turns whose answer did not come to its end: by a limit, a filter, a stop, or
            because somebody left.
        sessions (int): The number of different sessions.
        sessions_estimated (bool): Whether that is an estimate, with a standard error of 0.8 %.
        visitors (int): The number of different people: accounts and portal visitors, names that are not guests', and
            sessions of guests.
        visitors_estimated (bool): Whether that is an estimate, with a standard error of 0.8 %.
        prompt_tokens (int): The tokens of the prompts.
        completion_tokens (int): The tokens of the answers.
        total_tokens (int): The sum of both.
        estimated_turns (int): The number of turns whose tokens are estimates.
        cost_usd (float): The cost in US dollars, as far as prices are known.
        unpriced_turns (int): The number of turns that asked a model of unknown price.
        latency_ms (LogReportPercentiles): Percentiles in milliseconds, within 1 %; null without turns that have the
            time.
        first_word_ms (LogReportPercentiles): Percentiles in milliseconds, within 1 %; null without turns that have the
            time.
        fallbacks (int): The number of turns for which another model than the requested one was called.
        retries (int): The number of calls to models after the first one of each turn.
        retried_turns (int): The number of turns with such calls.
        failed_calls (LogReportFiguresFailedCalls): The number of calls to models that failed, by error code, also in
            turns that were answered by a later call.
        key_sources (LogReportFiguresKeySources): The number of turns by the source of the provider's key.
        key_lookups (LogReportFiguresKeyLookups): The number of turns by how the key of Papita was found: `hit` in the
            cache, `fetched` or `failed`.
        rated_up (int): The number of ratings that the answers were good. A rating that was changed counts as what it
            was changed to.
        rated_down (int): The number of ratings that the answers were bad, likewise.
    """

    turns: int
    errors: int
    errors_by_code: LogReportFiguresErrorsByCode
    finish: LogReportFiguresFinish
    cut_off: int
    sessions: int
    sessions_estimated: bool
    visitors: int
    visitors_estimated: bool
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    estimated_turns: int
    cost_usd: float
    unpriced_turns: int
    latency_ms: LogReportPercentiles
    first_word_ms: LogReportPercentiles
    fallbacks: int
    retries: int
    retried_turns: int
    failed_calls: LogReportFiguresFailedCalls
    key_sources: LogReportFiguresKeySources
    key_lookups: LogReportFiguresKeyLookups
    rated_up: int
    rated_down: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        turns = self.turns

        errors = self.errors

        errors_by_code = self.errors_by_code.to_dict()

        finish = self.finish.to_dict()

        cut_off = self.cut_off

        sessions = self.sessions

        sessions_estimated = self.sessions_estimated

        visitors = self.visitors

        visitors_estimated = self.visitors_estimated

        prompt_tokens = self.prompt_tokens

        completion_tokens = self.completion_tokens

        total_tokens = self.total_tokens

        estimated_turns = self.estimated_turns

        cost_usd = self.cost_usd

        unpriced_turns = self.unpriced_turns

        latency_ms = self.latency_ms.to_dict()

        first_word_ms = self.first_word_ms.to_dict()

        fallbacks = self.fallbacks

        retries = self.retries

        retried_turns = self.retried_turns

        failed_calls = self.failed_calls.to_dict()

        key_sources = self.key_sources.to_dict()

        key_lookups = self.key_lookups.to_dict()

        rated_up = self.rated_up

        rated_down = self.rated_down

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "turns": turns,
                "errors": errors,
                "errors_by_code": errors_by_code,
                "finish": finish,
                "cut_off": cut_off,
                "sessions": sessions,
                "sessions_estimated": sessions_estimated,
                "visitors": visitors,
                "visitors_estimated": visitors_estimated,
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": total_tokens,
                "estimated_turns": estimated_turns,
                "cost_usd": cost_usd,
                "unpriced_turns": unpriced_turns,
                "latency_ms": latency_ms,
                "first_word_ms": first_word_ms,
                "fallbacks": fallbacks,
                "retries": retries,
                "retried_turns": retried_turns,
                "failed_calls": failed_calls,
                "key_sources": key_sources,
                "key_lookups": key_lookups,
                "rated_up": rated_up,
                "rated_down": rated_down,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.log_report_figures_errors_by_code import (
            LogReportFiguresErrorsByCode,  # noqa: PLC0415
        )
        from ..models.log_report_figures_failed_calls import LogReportFiguresFailedCalls  # noqa: PLC0415
        from ..models.log_report_figures_finish import LogReportFiguresFinish  # noqa: PLC0415
        from ..models.log_report_figures_key_lookups import LogReportFiguresKeyLookups  # noqa: PLC0415
        from ..models.log_report_figures_key_sources import LogReportFiguresKeySources  # noqa: PLC0415
        from ..models.log_report_percentiles import LogReportPercentiles  # noqa: PLC0415

        d = dict(src_dict)
        turns = d.pop("turns")

        errors = d.pop("errors")

        errors_by_code = LogReportFiguresErrorsByCode.from_dict(d.pop("errors_by_code"))

        finish = LogReportFiguresFinish.from_dict(d.pop("finish"))

        cut_off = d.pop("cut_off")

        sessions = d.pop("sessions")

        sessions_estimated = d.pop("sessions_estimated")

        visitors = d.pop("visitors")

        visitors_estimated = d.pop("visitors_estimated")

        prompt_tokens = d.pop("prompt_tokens")

        completion_tokens = d.pop("completion_tokens")

        total_tokens = d.pop("total_tokens")

        estimated_turns = d.pop("estimated_turns")

        cost_usd = d.pop("cost_usd")

        unpriced_turns = d.pop("unpriced_turns")

        latency_ms = LogReportPercentiles.from_dict(d.pop("latency_ms"))

        first_word_ms = LogReportPercentiles.from_dict(d.pop("first_word_ms"))

        fallbacks = d.pop("fallbacks")

        retries = d.pop("retries")

        retried_turns = d.pop("retried_turns")

        failed_calls = LogReportFiguresFailedCalls.from_dict(d.pop("failed_calls"))

        key_sources = LogReportFiguresKeySources.from_dict(d.pop("key_sources"))

        key_lookups = LogReportFiguresKeyLookups.from_dict(d.pop("key_lookups"))

        rated_up = d.pop("rated_up")

        rated_down = d.pop("rated_down")

        log_report_figures = cls(
            turns=turns,
            errors=errors,
            errors_by_code=errors_by_code,
            finish=finish,
            cut_off=cut_off,
            sessions=sessions,
            sessions_estimated=sessions_estimated,
            visitors=visitors,
            visitors_estimated=visitors_estimated,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            total_tokens=total_tokens,
            estimated_turns=estimated_turns,
            cost_usd=cost_usd,
            unpriced_turns=unpriced_turns,
            latency_ms=latency_ms,
            first_word_ms=first_word_ms,
            fallbacks=fallbacks,
            retries=retries,
            retried_turns=retried_turns,
            failed_calls=failed_calls,
            key_sources=key_sources,
            key_lookups=key_lookups,
            rated_up=rated_up,
            rated_down=rated_down,
        )

        log_report_figures.additional_properties = d
        return log_report_figures

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
