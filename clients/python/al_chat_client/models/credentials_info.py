from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.credential_source import CredentialSource
from ..types import UNSET, Unset

T = TypeVar("T", bound="CredentialsInfo")


@_attrs_define
class CredentialsInfo:
    """The source of the key. No part of the key is shown.

    Attributes:
        openai_api_key_set (bool): Whether a key is set.
        openai_api_key_length (int): The length of the key, in bytes.
        openai_model (str): The model that is used when a client names none.
        papita_api_url (str): Papita's address.
        env_file_exists (bool): Whether there is a `.env` file.
        credential_source (CredentialSource): The source of a key: Papita, this server's settings, or none.
        openai_api_key_prefix (None | str | Unset): A fingerprint that differs from key to key, and that `al-chat check`
            shows too; no character of the key.
    """

    openai_api_key_set: bool
    openai_api_key_length: int
    openai_model: str
    papita_api_url: str
    env_file_exists: bool
    credential_source: CredentialSource
    openai_api_key_prefix: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        openai_api_key_set = self.openai_api_key_set

        openai_api_key_length = self.openai_api_key_length

        openai_model = self.openai_model

        papita_api_url = self.papita_api_url

        env_file_exists = self.env_file_exists

        credential_source = self.credential_source.value

        openai_api_key_prefix: None | str | Unset
        if isinstance(self.openai_api_key_prefix, Unset):
            openai_api_key_prefix = UNSET
        else:
            openai_api_key_prefix = self.openai_api_key_prefix

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "openai_api_key_set": openai_api_key_set,
                "openai_api_key_length": openai_api_key_length,
                "openai_model": openai_model,
                "papita_api_url": papita_api_url,
                "env_file_exists": env_file_exists,
                "credential_source": credential_source,
            }
        )
        if openai_api_key_prefix is not UNSET:
            field_dict["openai_api_key_prefix"] = openai_api_key_prefix

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        openai_api_key_set = d.pop("openai_api_key_set")

        openai_api_key_length = d.pop("openai_api_key_length")

        openai_model = d.pop("openai_model")

        papita_api_url = d.pop("papita_api_url")

        env_file_exists = d.pop("env_file_exists")

        credential_source = CredentialSource(d.pop("credential_source"))

        def _parse_openai_api_key_prefix(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        openai_api_key_prefix = _parse_openai_api_key_prefix(d.pop("openai_api_key_prefix", UNSET))

        credentials_info = cls(
            openai_api_key_set=openai_api_key_set,
            openai_api_key_length=openai_api_key_length,
            openai_model=openai_model,
            papita_api_url=papita_api_url,
            env_file_exists=env_file_exists,
            credential_source=credential_source,
            openai_api_key_prefix=openai_api_key_prefix,
        )

        credentials_info.additional_properties = d
        return credentials_info

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
