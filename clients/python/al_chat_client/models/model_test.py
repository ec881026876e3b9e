from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.model_test_status import ModelTestStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.usage import Usage


T = TypeVar("T", bound="ModelTest")


@_attrs_define
class ModelTest:
    """The result of a test of the model.

    Example:
        {'message': 'The model answers', 'model': 'gpt-4o-mini', 'status': 'success', 'test_response': 'OK', 'usage':
            {'completion_tokens': 9, 'model': 'gpt-4o-mini', 'prompt_tokens': 18, 'total_tokens': 27}}

    Attributes:
        status (ModelTestStatus): Whether the model answered: `success`, or `error`.
        message (str): The result as a sentence.
        model (str): The model that was called.
        test_response (str | Unset): The model's answer.
        usage (Usage | Unset): The tokens of a turn. Example: {'completion_tokens': 9, 'model': 'gpt-4o-mini',
            'prompt_tokens': 18, 'total_tokens': 27}.
    """

    status: ModelTestStatus
    message: str
    model: str
    test_response: str | Unset = UNSET
    usage: Usage | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status.value

        message = self.message

        model = self.model

        test_response = self.test_response

        usage: dict[str, Any] | Unset = UNSET
        if not isinstance(self.usage, Unset):
            usage = self.usage.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "message": message,
                "model": model,
            }
        )
        if test_response is not UNSET:
            field_dict["test_response"] = test_response
        if usage is not UNSET:
            field_dict["usage"] = usage

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.usage import Usage  # noqa: PLC0415

        d = dict(src_dict)
        status = ModelTestStatus(d.pop("status"))

        message = d.pop("message")

        model = d.pop("model")

        test_response = d.pop("test_response", UNSET)

        _usage = d.pop("usage", UNSET)
        usage: Usage | Unset
        if isinstance(_usage, Unset):
            usage = UNSET
        else:
            usage = Usage.from_dict(_usage)

        model_test = cls(
            status=status,
            message=message,
            model=model,
            test_response=test_response,
            usage=usage,
        )

        model_test.additional_properties = d
        return model_test

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
