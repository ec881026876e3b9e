from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.chat_completion_response_format_type import (
    ChatCompletionResponseFormatType,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="ChatCompletionResponseFormat")


@_attrs_define
class ChatCompletionResponseFormat:
    """The format of the answer.

    Attributes:
        type_ (ChatCompletionResponseFormatType): The kind of a format: `text`, any JSON object, or JSON of a schema.
        json_schema (Any | Unset): The schema with its `name`, as the model's provider reads it.
    """

    type_: ChatCompletionResponseFormatType
    json_schema: Any | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_.value

        json_schema = self.json_schema

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
            }
        )
        if json_schema is not UNSET:
            field_dict["json_schema"] = json_schema

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = ChatCompletionResponseFormatType(d.pop("type"))

        json_schema = d.pop("json_schema", UNSET)

        chat_completion_response_format = cls(
            type_=type_,
            json_schema=json_schema,
        )

        chat_completion_response_format.additional_properties = d
        return chat_completion_response_format

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
