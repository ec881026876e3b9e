from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.provider_account_status import ProviderAccountStatus
from ..types import UNSET, Unset

T = TypeVar("T", bound="ProviderAccount")


@_attrs_define
class ProviderAccount:
    """The account at the model's provider.

    Attributes:
        model (str): The model that is used when a client names none.
        status (ProviderAccountStatus): `active` when the model can be asked, `key_refused` when its provider refused
            the key the last time, `no_key` otherwise.
        api_key_prefix (None | str | Unset): The key's fingerprint; no character of the key.
    """

    model: str
    status: ProviderAccountStatus
    api_key_prefix: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        status = self.status.value

        api_key_prefix: None | str | Unset
        if isinstance(self.api_key_prefix, Unset):
            api_key_prefix = UNSET
        else:
            api_key_prefix = self.api_key_prefix

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "status": status,
            }
        )
        if api_key_prefix is not UNSET:
            field_dict["api_key_prefix"] = api_key_prefix

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        model = d.pop("model")

        status = ProviderAccountStatus(d.pop("status"))

        def _parse_api_key_prefix(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        api_key_prefix = _parse_api_key_prefix(d.pop("api_key_prefix", UNSET))

        provider_account = cls(
            model=model,
            status=status,
            api_key_prefix=api_key_prefix,
        )

        provider_account.additional_properties = d
        return provider_account

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
