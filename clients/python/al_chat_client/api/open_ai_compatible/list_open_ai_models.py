from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.open_ai_error_body import OpenAiErrorBody
from ...models.open_ai_model_list import OpenAiModelList
from ...types import Response


def _get_kwargs() -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/models",
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> OpenAiErrorBody | OpenAiModelList | None:
    if response.status_code == 200:
        response_200 = OpenAiModelList.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = OpenAiErrorBody.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = OpenAiErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 500:
        response_500 = OpenAiErrorBody.from_dict(response.json())

        return response_500

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[OpenAiErrorBody | OpenAiModelList]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
) -> Response[OpenAiErrorBody | OpenAiModelList]:
    """List the models, in OpenAI's form

     Returns what the API key may name as `model`: the models that clients may choose, and `persona/ID`
    for each persona.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OpenAiErrorBody | OpenAiModelList]
    """

    kwargs = _get_kwargs()

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
) -> OpenAiErrorBody | OpenAiModelList | None:
    """List the models, in OpenAI's form

     Returns what the API key may name as `model`: the models that clients may choose, and `persona/ID`
    for each persona.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OpenAiErrorBody | OpenAiModelList
    """

    return sync_detailed(
        client=client,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
) -> Response[OpenAiErrorBody | OpenAiModelList]:
    """List the models, in OpenAI's form

     Returns what the API key may name as `model`: the models that clients may choose, and `persona/ID`
    for each persona.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OpenAiErrorBody | OpenAiModelList]
    """

    kwargs = _get_kwargs()

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
) -> OpenAiErrorBody | OpenAiModelList | None:
    """List the models, in OpenAI's form

     Returns what the API key may name as `model`: the models that clients may choose, and `persona/ID`
    for each persona.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OpenAiErrorBody | OpenAiModelList
    """

    return (
        await asyncio_detailed(
            client=client,
        )
    ).parsed
