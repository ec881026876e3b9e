from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.error_code import ErrorCode
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.credentials_info import CredentialsInfo


T = TypeVar("T", bound="ModelInfo")


@_attrs_define
class ModelInfo:
    """The model and its key: `model` and `credentials_valid`, or `error` when there is no usable key.

    Example:
        {'credentials_valid': True, 'model': 'gpt-4o-mini'}

    Attributes:
        model (str | Unset): The model that is used when a client names none.
        credentials_valid (bool | Unset): True if the model can be called: a key is set, or its server needs none. False
            after the provider has refused
            the key.
        error (str | Unset): The reason why the model cannot be called.
        code (ErrorCode | Unset): The code of an error, for programs. Codes are never renamed; later versions may add
            some.
        credentials_info (CredentialsInfo | Unset): The source of the key. No part of the key is shown.
    """

    model: str | Unset = UNSET
    credentials_valid: bool | Unset = UNSET
    error: str | Unset = UNSET
    code: ErrorCode | Unset = UNSET
    credentials_info: CredentialsInfo | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model = self.model

        credentials_valid = self.credentials_valid

        error = self.error

        code: str | Unset = UNSET
        if not isinstance(self.code, Unset):
            code = self.code.value

        credentials_info: dict[str, Any] | Unset = UNSET
        if not isinstance(self.credentials_info, Unset):
            credentials_info = self.credentials_info.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if model is not UNSET:
            field_dict["model"] = model
        if credentials_valid is not UNSET:
            field_dict["credentials_valid"] = credentials_valid
        if error is not UNSET:
            field_dict["error"] = error
        if code is not UNSET:
            field_dict["code"] = code
        if credentials_info is not UNSET:
            field_dict["credentials_info"] = credentials_info

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.credentials_info import CredentialsInfo  # noqa: PLC0415

        d = dict(src_dict)
        model = d.pop("model", UNSET)

        credentials_valid = d.pop("credentials_valid", UNSET)

        error = d.pop("error", UNSET)

        _code = d.pop("code", UNSET)
        code: ErrorCode | Unset
        if isinstance(_code, Unset):
            code = UNSET
        else:
            code = ErrorCode(_code)

        _credentials_info = d.pop("credentials_info", UNSET)
        credentials_info: CredentialsInfo | Unset
        if isinstance(_credentials_info, Unset):
            credentials_info = UNSET
        else:
            credentials_info = CredentialsInfo.from_dict(_credentials_info)

        model_info = cls(
            model=model,
            credentials_valid=credentials_valid,
            error=error,
            code=code,
            credentials_info=credentials_info,
        )

        model_info.additional_properties = d
        return model_info

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
