from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.turn_stopped import TurnStopped
from ...types import UNSET, Response, Unset


def _get_kwargs(
    request_id: str,
    *,
    x_session_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_session_id, Unset):
        headers["X-Session-ID"] = x_session_id

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/chat/{request_id}/stop".format(
            request_id=quote(str(request_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | TurnStopped | None:
    if response.status_code == 200:
        response_200 = TurnStopped.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ErrorBody.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 404:
        response_404 = ErrorBody.from_dict(response.json())

        return response_404

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
) -> Response[ErrorBody | TurnStopped]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
    x_session_id: str | Unset = UNSET,
) -> Response[ErrorBody | TurnStopped]:
    """Stop a turn

     Closes the connection to the model at once. The text so far is the answer; the turn is logged and
    counted.

    Args:
        request_id (str):
        x_session_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | TurnStopped]
    """

    kwargs = _get_kwargs(
        request_id=request_id,
        x_session_id=x_session_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
    x_session_id: str | Unset = UNSET,
) -> ErrorBody | TurnStopped | None:
    """Stop a turn

     Closes the connection to the model at once. The text so far is the answer; the turn is logged and
    counted.

    Args:
        request_id (str):
        x_session_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | TurnStopped
    """

    return sync_detailed(
        request_id=request_id,
        client=client,
        x_session_id=x_session_id,
    ).parsed


async def asyncio_detailed(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
    x_session_id: str | Unset = UNSET,
) -> Response[ErrorBody | TurnStopped]:
    """Stop a turn

     Closes the connection to the model at once. The text so far is the answer; the turn is logged and
    counted.

    Args:
        request_id (str):
        x_session_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | TurnStopped]
    """

    kwargs = _get_kwargs(
        request_id=request_id,
        x_session_id=x_session_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
    x_session_id: str | Unset = UNSET,
) -> ErrorBody | TurnStopped | None:
    """Stop a turn

     Closes the connection to the model at once. The text so far is the answer; the turn is logged and
    counted.

    Args:
        request_id (str):
        x_session_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | TurnStopped
    """

    return (
        await asyncio_detailed(
            request_id=request_id,
            client=client,
            x_session_id=x_session_id,
        )
    ).parsed
