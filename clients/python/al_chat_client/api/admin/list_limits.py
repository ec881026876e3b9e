from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.used_limits import UsedLimits
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    percent: int | Unset = UNSET,
    limit: int | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["percent"] = percent

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/admin/limits",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> ErrorBody | UsedLimits | None:
    if response.status_code == 200:
        response_200 = UsedLimits.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ErrorBody.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 500:
        response_500 = ErrorBody.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = ErrorBody.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorBody | UsedLimits]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    percent: int | Unset = UNSET,
    limit: int | Unset = UNSET,
) -> Response[ErrorBody | UsedLimits]:
    """List the limits that are nearly used up

     Returns the limits of which visitors, addresses or all together have used or reserved a part, those
    that are used the
    most first. Visitors and addresses are named by hashes only.

    Args:
        percent (int | Unset):
        limit (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | UsedLimits]
    """

    kwargs = _get_kwargs(
        percent=percent,
        limit=limit,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    percent: int | Unset = UNSET,
    limit: int | Unset = UNSET,
) -> ErrorBody | UsedLimits | None:
    """List the limits that are nearly used up

     Returns the limits of which visitors, addresses or all together have used or reserved a part, those
    that are used the
    most first. Visitors and addresses are named by hashes only.

    Args:
        percent (int | Unset):
        limit (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | UsedLimits
    """

    return sync_detailed(
        client=client,
        percent=percent,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    percent: int | Unset = UNSET,
    limit: int | Unset = UNSET,
) -> Response[ErrorBody | UsedLimits]:
    """List the limits that are nearly used up

     Returns the limits of which visitors, addresses or all together have used or reserved a part, those
    that are used the
    most first. Visitors and addresses are named by hashes only.

    Args:
        percent (int | Unset):
        limit (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | UsedLimits]
    """

    kwargs = _get_kwargs(
        percent=percent,
        limit=limit,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    percent: int | Unset = UNSET,
    limit: int | Unset = UNSET,
) -> ErrorBody | UsedLimits | None:
    """List the limits that are nearly used up

     Returns the limits of which visitors, addresses or all together have used or reserved a part, those
    that are used the
    most first. Visitors and addresses are named by hashes only.

    Args:
        percent (int | Unset):
        limit (int | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | UsedLimits
    """

    return (
        await asyncio_detailed(
            client=client,
            percent=percent,
            limit=limit,
        )
    ).parsed
