from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.chat_request import ChatRequest
from ...models.error_body import ErrorBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: ChatRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_session_id, Unset):
        headers["X-Session-ID"] = x_session_id

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/chat/stream",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> ErrorBody | str | None:
    if response.status_code == 200:
        response_200 = response.text
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

    if response.status_code == 409:
        response_409 = ErrorBody.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = ErrorBody.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = ErrorBody.from_dict(response.json())

        return response_415

    if response.status_code == 422:
        response_422 = ErrorBody.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = ErrorBody.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = ErrorBody.from_dict(response.json())

        return response_500

    if response.status_code == 502:
        response_502 = ErrorBody.from_dict(response.json())

        return response_502

    if response.status_code == 503:
        response_503 = ErrorBody.from_dict(response.json())

        return response_503

    if response.status_code == 504:
        response_504 = ErrorBody.from_dict(response.json())

        return response_504

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[ErrorBody | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: ChatRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | str]:
    """Ask the model, with a stream as the response

     Starts the same turn as `POST /api/chat`, with a stream as the response, whatever `stream` says. A
    client can
    resume a stream that was cut off, and can stop the turn.

    Args:
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (ChatRequest): A question to the model. A message, a file or an image is required.
            Example: {'isGuest': False, 'message': 'What are your opening hours?', 'sessionId':
            'session_20261121_093000_k3vq8mzt5wxnp2ra', 'username': 'ada'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | str]
    """

    kwargs = _get_kwargs(
        body=body,
        x_session_id=x_session_id,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: ChatRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | str | None:
    """Ask the model, with a stream as the response

     Starts the same turn as `POST /api/chat`, with a stream as the response, whatever `stream` says. A
    client can
    resume a stream that was cut off, and can stop the turn.

    Args:
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (ChatRequest): A question to the model. A message, a file or an image is required.
            Example: {'isGuest': False, 'message': 'What are your opening hours?', 'sessionId':
            'session_20261121_093000_k3vq8mzt5wxnp2ra', 'username': 'ada'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | str
    """

    return sync_detailed(
        client=client,
        body=body,
        x_session_id=x_session_id,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: ChatRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | str]:
    """Ask the model, with a stream as the response

     Starts the same turn as `POST /api/chat`, with a stream as the response, whatever `stream` says. A
    client can
    resume a stream that was cut off, and can stop the turn.

    Args:
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (ChatRequest): A question to the model. A message, a file or an image is required.
            Example: {'isGuest': False, 'message': 'What are your opening hours?', 'sessionId':
            'session_20261121_093000_k3vq8mzt5wxnp2ra', 'username': 'ada'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | str]
    """

    kwargs = _get_kwargs(
        body=body,
        x_session_id=x_session_id,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: ChatRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | str | None:
    """Ask the model, with a stream as the response

     Starts the same turn as `POST /api/chat`, with a stream as the response, whatever `stream` says. A
    client can
    resume a stream that was cut off, and can stop the turn.

    Args:
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (ChatRequest): A question to the model. A message, a file or an image is required.
            Example: {'isGuest': False, 'message': 'What are your opening hours?', 'sessionId':
            'session_20261121_093000_k3vq8mzt5wxnp2ra', 'username': 'ada'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | str
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            x_session_id=x_session_id,
            idempotency_key=idempotency_key,
        )
    ).parsed
