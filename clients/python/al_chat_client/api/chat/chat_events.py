from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    request_id: str,
    *,
    last_event_id: str | Unset = UNSET,
    x_session_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(last_event_id, Unset):
        headers["Last-Event-ID"] = last_event_id

    if not isinstance(x_session_id, Unset):
        headers["X-Session-ID"] = x_session_id

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/chat/{request_id}/events".format(
            request_id=quote(str(request_id), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Any | ErrorBody | str | None:
    if response.status_code == 200:
        response_200 = response.text
        return response_200

    if response.status_code == 204:
        response_204 = cast(Any, None)
        return response_204

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
) -> Response[Any | ErrorBody | str]:
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
    last_event_id: str | Unset = UNSET,
    x_session_id: str | Unset = UNSET,
) -> Response[Any | ErrorBody | str]:
    """Resume a stream

     Returns the events of a turn after the last one that the client has received, while the turn runs
    and for a
    while after its end. A turn without a client is stopped after a few seconds. The response to a
    repeated
    `Idempotency-Key` may have other events than the first one, with the same text.

    Args:
        request_id (str):
        last_event_id (str | Unset):
        x_session_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody | str]
    """

    kwargs = _get_kwargs(
        request_id=request_id,
        last_event_id=last_event_id,
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
    last_event_id: str | Unset = UNSET,
    x_session_id: str | Unset = UNSET,
) -> Any | ErrorBody | str | None:
    """Resume a stream

     Returns the events of a turn after the last one that the client has received, while the turn runs
    and for a
    while after its end. A turn without a client is stopped after a few seconds. The response to a
    repeated
    `Idempotency-Key` may have other events than the first one, with the same text.

    Args:
        request_id (str):
        last_event_id (str | Unset):
        x_session_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody | str
    """

    return sync_detailed(
        request_id=request_id,
        client=client,
        last_event_id=last_event_id,
        x_session_id=x_session_id,
    ).parsed


async def asyncio_detailed(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
    last_event_id: str | Unset = UNSET,
    x_session_id: str | Unset = UNSET,
) -> Response[Any | ErrorBody | str]:
    """Resume a stream

     Returns the events of a turn after the last one that the client has received, while the turn runs
    and for a
    while after its end. A turn without a client is stopped after a few seconds. The response to a
    repeated
    `Idempotency-Key` may have other events than the first one, with the same text.

    Args:
        request_id (str):
        last_event_id (str | Unset):
        x_session_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody | str]
    """

    kwargs = _get_kwargs(
        request_id=request_id,
        last_event_id=last_event_id,
        x_session_id=x_session_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
    last_event_id: str | Unset = UNSET,
    x_session_id: str | Unset = UNSET,
) -> Any | ErrorBody | str | None:
    """Resume a stream

     Returns the events of a turn after the last one that the client has received, while the turn runs
    and for a
    while after its end. A turn without a client is stopped after a few seconds. The response to a
    repeated
    `Idempotency-Key` may have other events than the first one, with the same text.

    Args:
        request_id (str):
        last_event_id (str | Unset):
        x_session_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody | str
    """

    return (
        await asyncio_detailed(
            request_id=request_id,
            client=client,
            last_event_id=last_event_id,
            x_session_id=x_session_id,
        )
    ).parsed
