from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.session_stopped import SessionStopped
from ...models.stop_session_request import StopSessionRequest
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: StopSessionRequest | Unset = UNSET,
    x_session_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_session_id, Unset):
        headers["X-Session-ID"] = x_session_id

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/session/stop",
    }

    if not isinstance(body, Unset):
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | SessionStopped | None:
    if response.status_code == 200:
        response_200 = SessionStopped.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ErrorBody.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 408:
        response_408 = ErrorBody.from_dict(response.json())

        return response_408

    if response.status_code == 413:
        response_413 = ErrorBody.from_dict(response.json())

        return response_413

    if response.status_code == 429:
        response_429 = ErrorBody.from_dict(response.json())

        return response_429

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
) -> Response[ErrorBody | SessionStopped]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: StopSessionRequest | Unset = UNSET,
    x_session_id: str | Unset = UNSET,
) -> Response[ErrorBody | SessionStopped]:
    """Stop a session

     Logs the duration of the session, the client's `metrics`, and the server's own numbers. Accepts JSON
    sent as
    `text/plain`, as `navigator.sendBeacon` does. A second stop has the same response and logs nothing.

    Args:
        x_session_id (str | Unset):
        body (StopSessionRequest | Unset): The data that a chat window sends when it closes.
            Example: {'metrics': {'messages': 3}, 'session_id':
            'session_20261121_093000_k3vq8mzt5wxnp2ra'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | SessionStopped]
    """

    kwargs = _get_kwargs(
        body=body,
        x_session_id=x_session_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: StopSessionRequest | Unset = UNSET,
    x_session_id: str | Unset = UNSET,
) -> ErrorBody | SessionStopped | None:
    """Stop a session

     Logs the duration of the session, the client's `metrics`, and the server's own numbers. Accepts JSON
    sent as
    `text/plain`, as `navigator.sendBeacon` does. A second stop has the same response and logs nothing.

    Args:
        x_session_id (str | Unset):
        body (StopSessionRequest | Unset): The data that a chat window sends when it closes.
            Example: {'metrics': {'messages': 3}, 'session_id':
            'session_20261121_093000_k3vq8mzt5wxnp2ra'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | SessionStopped
    """

    return sync_detailed(
        client=client,
        body=body,
        x_session_id=x_session_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: StopSessionRequest | Unset = UNSET,
    x_session_id: str | Unset = UNSET,
) -> Response[ErrorBody | SessionStopped]:
    """Stop a session

     Logs the duration of the session, the client's `metrics`, and the server's own numbers. Accepts JSON
    sent as
    `text/plain`, as `navigator.sendBeacon` does. A second stop has the same response and logs nothing.

    Args:
        x_session_id (str | Unset):
        body (StopSessionRequest | Unset): The data that a chat window sends when it closes.
            Example: {'metrics': {'messages': 3}, 'session_id':
            'session_20261121_093000_k3vq8mzt5wxnp2ra'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | SessionStopped]
    """

    kwargs = _get_kwargs(
        body=body,
        x_session_id=x_session_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: StopSessionRequest | Unset = UNSET,
    x_session_id: str | Unset = UNSET,
) -> ErrorBody | SessionStopped | None:
    """Stop a session

     Logs the duration of the session, the client's `metrics`, and the server's own numbers. Accepts JSON
    sent as
    `text/plain`, as `navigator.sendBeacon` does. A second stop has the same response and logs nothing.

    Args:
        x_session_id (str | Unset):
        body (StopSessionRequest | Unset): The data that a chat window sends when it closes.
            Example: {'metrics': {'messages': 3}, 'session_id':
            'session_20261121_093000_k3vq8mzt5wxnp2ra'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | SessionStopped
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            x_session_id=x_session_id,
        )
    ).parsed
