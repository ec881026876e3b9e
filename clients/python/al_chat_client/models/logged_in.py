from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.account import Account


T = TypeVar("T", bound="LoggedIn")


@_attrs_define
class LoggedIn:
    """The response to a login: the access token and its account.

    Example:
        {'access_token': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl', 'email':
            'ada@example.org', 'message': 'Login successful', 'token':
            'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl', 'user': {'created_at':
            '2026-11-21T09:30:00.417000+01:00', 'email': 'ada@example.org', 'id': 7, 'username': 'ada'}, 'username': 'ada'}

    Attributes:
        access_token (str): The token to be sent with each request, as `Authorization: Bearer …`.
        user (Account): An account. Example: {'created_at': '2026-11-21T09:30:00.417000+01:00', 'email':
            'ada@example.org', 'id': 7, 'username': 'ada'}.
        token (str): The same as `access_token`.
        username (str): The account's name.
        email (str): The account's e-mail address.
        message (str): The confirmation of the login as a sentence.
    """

    access_token: str
    user: Account
    token: str
    username: str
    email: str
    message: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        access_token = self.access_token

        user = self.user.to_dict()

        token = self.token

        username = self.username

        email = self.email

        message = self.message

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "access_token": access_token,
                "user": user,
                "token": token,
                "username": username,
                "email": email,
                "message": message,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.account import Account  # noqa: PLC0415

        d = dict(src_dict)
        access_token = d.pop("access_token")

        user = Account.from_dict(d.pop("user"))

        token = d.pop("token")

        username = d.pop("username")

        email = d.pop("email")

        message = d.pop("message")

        logged_in = cls(
            access_token=access_token,
            user=user,
            token=token,
            username=username,
            email=email,
            message=message,
        )

        logged_in.additional_properties = d
        return logged_in

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
