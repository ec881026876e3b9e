from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.account import Account


T = TypeVar("T", bound="RegisteredAccount")


@_attrs_define
class RegisteredAccount:
    """An account that has just been registered.

    Example:
        {'created_at': '2026-11-21T09:30:00.417000+01:00', 'email': 'ada@example.org', 'id': 7, 'message': 'User
            registered successfully', 'user': {'created_at': '2026-11-21T09:30:00.417000+01:00', 'email': 'ada@example.org',
            'id': 7, 'username': 'ada'}, 'username': 'ada'}

    Attributes:
        id (int): The account's id.
        username (str): The account's name, as it was registered.
        email (str): The account's e-mail address.
        created_at (datetime.datetime): The time of the registration, RFC 3339.
        message (str): The confirmation of the registration as a sentence.
        user (Account): An account. Example: {'created_at': '2026-11-21T09:30:00.417000+01:00', 'email':
            'ada@example.org', 'id': 7, 'username': 'ada'}.
    """

    id: int
    username: str
    email: str
    created_at: datetime.datetime
    message: str
    user: Account
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        username = self.username

        email = self.email

        created_at = self.created_at.isoformat()

        message = self.message

        user = self.user.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "username": username,
                "email": email,
                "created_at": created_at,
                "message": message,
                "user": user,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.account import Account  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        username = d.pop("username")

        email = d.pop("email")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        message = d.pop("message")

        user = Account.from_dict(d.pop("user"))

        registered_account = cls(
            id=id,
            username=username,
            email=email,
            created_at=created_at,
            message=message,
            user=user,
        )

        registered_account.additional_properties = d
        return registered_account

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
