from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.breaker import Breaker

T = TypeVar("T", bound="ModelStatus")


@_attrs_define
class ModelStatus:
    """A model, and whether it is called.

    Attributes:
        model (str): The name of the model.
        provider (str): The name of its provider.
        breaker (Breaker): The state of a circuit breaker: `closed` (the model or hook is called), `open` (not, after
            failures), `half_open` (one call tries it).
    """

    model: str
    provider: str
    breaker: Breaker
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        provider = self.provider

        breaker = self.breaker.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "provider": provider,
                "breaker": breaker,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = d.pop("model")

        provider = d.pop("provider")

        breaker = Breaker(d.pop("breaker"))

        model_status = cls(
            model=model,
            provider=provider,
            breaker=breaker,
        )

        model_status.additional_properties = d
        return model_status

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
