from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.portal_role import PortalRole
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.answer_source import AnswerSource


T = TypeVar("T", bound="PortalMessage")


@_attrs_define
class PortalMessage:
    """A message of the visitor or of the model.

    Example:
        {'content': 'What is your favourite flower?', 'role': 'user', 'timestamp': '0'}

    Attributes:
        role (PortalRole): The author of a message of the portal: the visitor, or the model.
        content (str): The text of the message.
        timestamp (str): The message's position in the list, from 0, as a string.
        sources (list[AnswerSource] | Unset): The pages that an answer is based on, in the order of their importance.
    """

    role: PortalRole
    content: str
    timestamp: str
    sources: list[AnswerSource] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        role = self.role.value

        content = self.content

        timestamp = self.timestamp

        sources: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.sources, Unset):
            sources = []
            for sources_item_data in self.sources:
                sources_item = sources_item_data.to_dict()
                sources.append(sources_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "role": role,
                "content": content,
                "timestamp": timestamp,
            }
        )
        if sources is not UNSET:
            field_dict["sources"] = sources

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.answer_source import AnswerSource  # noqa: PLC0415

        d = dict(src_dict)
        role = PortalRole(d.pop("role"))

        content = d.pop("content")

        timestamp = d.pop("timestamp")

        _sources = d.pop("sources", UNSET)
        sources: list[AnswerSource] | Unset = UNSET
        if _sources is not UNSET:
            sources = []
            for sources_item_data in _sources:
                sources_item = AnswerSource.from_dict(sources_item_data)

                sources.append(sources_item)

        portal_message = cls(
            role=role,
            content=content,
            timestamp=timestamp,
            sources=sources,
        )

        portal_message.additional_properties = d
        return portal_message

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
