from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Persona")


@_attrs_define
class Persona:
    """A persona, without its prompt.

    Example:
        {'avatar': '/personas/amaya.svg', 'greeting': "Hey you! What's on your mind?", 'id': 'amaya', 'name': 'Amaya'}

    Attributes:
        id (str): The persona's id, for `persona` in a request.
        name (str): The persona's name.
        greeting (str): The persona's greeting; blank if the client decides.
        avatar (str | Unset): The address of the persona's picture, relative to this server's; left out without one.
    """

    id: str
    name: str
    greeting: str
    avatar: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name = self.name

        greeting = self.greeting

        avatar = self.avatar

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "greeting": greeting,
            }
        )
        if avatar is not UNSET:
            field_dict["avatar"] = avatar

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        greeting = d.pop("greeting")

        avatar = d.pop("avatar", UNSET)

        persona = cls(
            id=id,
            name=name,
            greeting=greeting,
            avatar=avatar,
        )

        persona.additional_properties = d
        return persona

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
