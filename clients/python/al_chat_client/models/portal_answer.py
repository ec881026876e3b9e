from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.answer_source import AnswerSource


T = TypeVar("T", bound="PortalAnswer")


@_attrs_define
class PortalAnswer:
    """The answer to a visitor of the portal.

    Example:
        {'response': 'Cherry blossoms, of course!', 'success': True}

    Attributes:
        response (str): The text of the answer.
        success (bool): Always true.
        sources (list[AnswerSource] | Unset): The pages that the answer is based on, in the order of their importance.
        demo_mode (bool | Unset): Whether the built-in responder answers; only in the response to `__demo_check__`.
    """

    response: str
    success: bool
    sources: list[AnswerSource] | Unset = UNSET
    demo_mode: bool | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        response = self.response

        success = self.success

        sources: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.sources, Unset):
            sources = []
            for sources_item_data in self.sources:
                sources_item = sources_item_data.to_dict()
                sources.append(sources_item)

        demo_mode = self.demo_mode

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "response": response,
                "success": success,
            }
        )
        if sources is not UNSET:
            field_dict["sources"] = sources
        if demo_mode is not UNSET:
            field_dict["demo_mode"] = demo_mode

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.answer_source import AnswerSource  # noqa: PLC0415

        d = dict(src_dict)
        response = d.pop("response")

        success = d.pop("success")

        _sources = d.pop("sources", UNSET)
        sources: list[AnswerSource] | Unset = UNSET
        if _sources is not UNSET:
            sources = []
            for sources_item_data in _sources:
                sources_item = AnswerSource.from_dict(sources_item_data)

                sources.append(sources_item)

        demo_mode = d.pop("demo_mode", UNSET)

        portal_answer = cls(
            response=response,
            success=success,
            sources=sources,
            demo_mode=demo_mode,
        )

        portal_answer.additional_properties = d
        return portal_answer

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
