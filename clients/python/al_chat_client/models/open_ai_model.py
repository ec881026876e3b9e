from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.open_ai_model_object import OpenAiModelObject

T = TypeVar("T", bound="OpenAiModel")


@_attrs_define
class OpenAiModel:
    """A model, or a persona in the place of one.

    Example:
        {'created': 1795852800, 'id': 'gpt-4o-mini', 'object': 'model', 'owned_by': 'al-chat'}

    Attributes:
        id (str): The name, for `model` in a request: that of a model, or `persona/` and the id of a persona.
        object_ (OpenAiModelObject):
        created (int): The time at which this server was started, in seconds since 1970.
        owned_by (str): Always `al-chat`.
    """

    id: str
    object_: OpenAiModelObject
    created: int
    owned_by: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        object_ = self.object_.value

        created = self.created

        owned_by = self.owned_by

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "object": object_,
                "created": created,
                "owned_by": owned_by,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        object_ = OpenAiModelObject(d.pop("object"))

        created = d.pop("created")

        owned_by = d.pop("owned_by")

        open_ai_model = cls(
            id=id,
            object_=object_,
            created=created,
            owned_by=owned_by,
        )

        open_ai_model.additional_properties = d
        return open_ai_model

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
