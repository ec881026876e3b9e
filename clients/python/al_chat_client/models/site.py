from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Site")


@_attrs_define
class Site:
    """A site whose pages embed the chat window.

    Example:
        {'id': 'shop', 'is_paused': True, 'is_paused_by_file': False, 'is_paused_by_operator': True, 'models': None,
            'origins': ['https://shop.example'], 'persona': 'amaya'}

    Attributes:
        id (str): The site's id.
        origins (list[str]): The origins of the site's pages, also with an asterisk for a label.
        is_paused (bool): Whether no turns start now, for one reason or both.
        is_paused_by_file (bool): Whether the configuration file pauses the site.
        is_paused_by_operator (bool): Whether the operator has paused the site.
        persona (None | str | Unset): The only persona that answers; null if requests choose.
        models (list[str] | None | Unset): The models that may answer; null for all that clients may choose.
    """

    id: str
    origins: list[str]
    is_paused: bool
    is_paused_by_file: bool
    is_paused_by_operator: bool
    persona: None | str | Unset = UNSET
    models: list[str] | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        origins = self.origins

        is_paused = self.is_paused

        is_paused_by_file = self.is_paused_by_file

        is_paused_by_operator = self.is_paused_by_operator

        persona: None | str | Unset
        if isinstance(self.persona, Unset):
            persona = UNSET
        else:
            persona = self.persona

        models: list[str] | None | Unset
        if isinstance(self.models, Unset):
            models = UNSET
        elif isinstance(self.models, list):
            models = self.models

        else:
            models = self.models

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "origins": origins,
                "is_paused": is_paused,
                "is_paused_by_file": is_paused_by_file,
                "is_paused_by_operator": is_paused_by_operator,
            }
        )
        if persona is not UNSET:
            field_dict["persona"] = persona
        if models is not UNSET:
            field_dict["models"] = models

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        origins = cast(list[str], d.pop("origins"))

        is_paused = d.pop("is_paused")

        is_paused_by_file = d.pop("is_paused_by_file")

        is_paused_by_operator = d.pop("is_paused_by_operator")

        def _parse_persona(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        persona = _parse_persona(d.pop("persona", UNSET))

        def _parse_models(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                models_type_0 = cast(list[str], data)

                return models_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | Unset, data)

        models = _parse_models(d.pop("models", UNSET))

        site = cls(
            id=id,
            origins=origins,
            is_paused=is_paused,
            is_paused_by_file=is_paused_by_file,
            is_paused_by_operator=is_paused_by_operator,
            persona=persona,
            models=models,
        )

        site.additional_properties = d
        return site

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
