from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.chat_completion_image_detail import ChatCompletionImageDetail
from ..types import UNSET, Unset

T = TypeVar("T", bound="ChatCompletionImageUrl")


@_attrs_define
class ChatCompletionImageUrl:
    """An image of a message.

    Attributes:
        url (str): The image: an https address on the public internet, or a data URL (PNG, JPEG, GIF, WebP; at most 12
            MiB).
        detail (ChatCompletionImageDetail | Unset): The resolution at which a model reads an image: `low`, `high`, or
            chosen by the provider (`auto`).
    """

    url: str
    detail: ChatCompletionImageDetail | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        detail: str | Unset = UNSET
        if not isinstance(self.detail, Unset):
            detail = self.detail.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "url": url,
            }
        )
        if detail is not UNSET:
            field_dict["detail"] = detail

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        url = d.pop("url")

        _detail = d.pop("detail", UNSET)
        detail: ChatCompletionImageDetail | Unset
        if isinstance(_detail, Unset):
            detail = UNSET
        else:
            detail = ChatCompletionImageDetail(_detail)

        chat_completion_image_url = cls(
            url=url,
            detail=detail,
        )

        chat_completion_image_url.additional_properties = d
        return chat_completion_image_url

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
