from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.error_code import ErrorCode
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.error_body_details import ErrorBodyDetails


T = TypeVar("T", bound="ErrorBody")


@_attrs_define
class ErrorBody:
    """The body of every error.

    Example:
        {'code': 'message_required', 'error': 'Message or attachment is required', 'request_id':
            '019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27'}

    Attributes:
        error (str): A sentence for people: what happened, and what to do.
        code (ErrorCode): The code of an error, for programs. Codes are never renamed; later versions may add some.
        request_id (str): The request's id, as in `X-Request-Id`; quote it when asking for help.
        msg (str | Unset): The same sentence, in errors about an access token.
        success (bool | Unset): Always false; only in errors of the portal.
        details (ErrorBodyDetails | Unset): Further data for programs, depending on the code.
    """

    error: str
    code: ErrorCode
    request_id: str
    msg: str | Unset = UNSET
    success: bool | Unset = UNSET
    details: ErrorBodyDetails | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        error = self.error

        code = self.code.value

        request_id = self.request_id

        msg = self.msg

        success = self.success

        details: dict[str, Any] | Unset = UNSET
        if not isinstance(self.details, Unset):
            details = self.details.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "error": error,
                "code": code,
                "request_id": request_id,
            }
        )
        if msg is not UNSET:
            field_dict["msg"] = msg
        if success is not UNSET:
            field_dict["success"] = success
        if details is not UNSET:
            field_dict["details"] = details

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.error_body_details import ErrorBodyDetails  # noqa: PLC0415

        d = dict(src_dict)
        error = d.pop("error")

        code = ErrorCode(d.pop("code"))

        request_id = d.pop("request_id")

        msg = d.pop("msg", UNSET)

        success = d.pop("success", UNSET)

        _details = d.pop("details", UNSET)
        details: ErrorBodyDetails | Unset
        if isinstance(_details, Unset):
            details = UNSET
        else:
            details = ErrorBodyDetails.from_dict(_details)

        error_body = cls(
            error=error,
            code=code,
            request_id=request_id,
            msg=msg,
            success=success,
            details=details,
        )

        error_body.additional_properties = d
        return error_body

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
