from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.provider_account import ProviderAccount


T = TypeVar("T", bound="UsageReport")


@_attrs_define
class UsageReport:
    """The cost of all turns since the database was created.

    Example:
        {'account_info': {'api_key_prefix': '5f0c7bd1a3e9', 'model': 'gpt-4o-mini', 'status': 'active'},
            'billing_credit_balance': None, 'billing_dashboard_url':
            'https://platform.openai.com/settings/organization/billing', 'completion_cost_usd': 0.0246,
            'estimated_cost_usd': 0.0519, 'model': 'gpt-4o-mini', 'note': "Counted by this server since its database was
            made, at list prices; the provider's dashboard has the last word.", 'prompt_cost_usd': 0.0273, 'request_count':
            512, 'total_completion_tokens': 41000, 'total_prompt_tokens': 182000, 'total_tokens': 223000,
            'usage_dashboard_url': 'https://platform.openai.com/usage'}

    Attributes:
        total_prompt_tokens (int): Tokens of all prompts.
        total_completion_tokens (int): Tokens of all answers.
        total_tokens (int): The sum of both.
        request_count (int): The number of answered turns.
        model (str): The model that was used last.
        estimated_cost_usd (float): The cost in US dollars, each turn at its own model's price; models without a known
            price count as free.
        prompt_cost_usd (float): The cost of the prompts, in US dollars.
        completion_cost_usd (float): The cost of the answers, in US dollars.
        account_info (ProviderAccount): The account at the model's provider.
        usage_dashboard_url (str): The address of the provider's page about usage.
        billing_dashboard_url (str): The address of the provider's page about billing.
        note (str): An explanation of these numbers.
        billing_credit_balance (float | None | Unset): Always null: no provider reports it.
    """

    total_prompt_tokens: int
    total_completion_tokens: int
    total_tokens: int
    request_count: int
    model: str
    estimated_cost_usd: float
    prompt_cost_usd: float
    completion_cost_usd: float
    account_info: ProviderAccount
    usage_dashboard_url: str
    billing_dashboard_url: str
    note: str
    billing_credit_balance: float | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        total_prompt_tokens = self.total_prompt_tokens

        total_completion_tokens = self.total_completion_tokens

        total_tokens = self.total_tokens

        request_count = self.request_count

        model = self.model

        estimated_cost_usd = self.estimated_cost_usd

        prompt_cost_usd = self.prompt_cost_usd

        completion_cost_usd = self.completion_cost_usd

        account_info = self.account_info.to_dict()

        usage_dashboard_url = self.usage_dashboard_url

        billing_dashboard_url = self.billing_dashboard_url

        note = self.note

        billing_credit_balance: float | None | Unset
        if isinstance(self.billing_credit_balance, Unset):
            billing_credit_balance = UNSET
        else:
            billing_credit_balance = self.billing_credit_balance

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "total_prompt_tokens": total_prompt_tokens,
                "total_completion_tokens": total_completion_tokens,
                "total_tokens": total_tokens,
                "request_count": request_count,
                "model": model,
                "estimated_cost_usd": estimated_cost_usd,
                "prompt_cost_usd": prompt_cost_usd,
                "completion_cost_usd": completion_cost_usd,
                "account_info": account_info,
                "usage_dashboard_url": usage_dashboard_url,
                "billing_dashboard_url": billing_dashboard_url,
                "note": note,
            }
        )
        if billing_credit_balance is not UNSET:
            field_dict["billing_credit_balance"] = billing_credit_balance

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.provider_account import ProviderAccount  # noqa: PLC0415

        d = dict(src_dict)
        total_prompt_tokens = d.pop("total_prompt_tokens")

        total_completion_tokens = d.pop("total_completion_tokens")

        total_tokens = d.pop("total_tokens")

        request_count = d.pop("request_count")

        model = d.pop("model")

        estimated_cost_usd = d.pop("estimated_cost_usd")

        prompt_cost_usd = d.pop("prompt_cost_usd")

        completion_cost_usd = d.pop("completion_cost_usd")

        account_info = ProviderAccount.from_dict(d.pop("account_info"))

        usage_dashboard_url = d.pop("usage_dashboard_url")

        billing_dashboard_url = d.pop("billing_dashboard_url")

        note = d.pop("note")

        def _parse_billing_credit_balance(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        billing_credit_balance = _parse_billing_credit_balance(d.pop("billing_credit_balance", UNSET))

        usage_report = cls(
            total_prompt_tokens=total_prompt_tokens,
            total_completion_tokens=total_completion_tokens,
            total_tokens=total_tokens,
            request_count=request_count,
            model=model,
            estimated_cost_usd=estimated_cost_usd,
            prompt_cost_usd=prompt_cost_usd,
            completion_cost_usd=completion_cost_usd,
            account_info=account_info,
            usage_dashboard_url=usage_dashboard_url,
            billing_dashboard_url=billing_dashboard_url,
            note=note,
            billing_credit_balance=billing_credit_balance,
        )

        usage_report.additional_properties = d
        return usage_report

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
