from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.message_exchange import MessageExchange
from ...models.send_message_request import SendMessageRequest
from ...types import UNSET, Response, Unset


def _get_kwargs(
    chat_id: int,
    *,
    body: SendMessageRequest,
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
        "url": "/api/messages/{chat_id}/send".format(
            chat_id=quote(str(chat_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | MessageExchange | None:
    if response.status_code == 200:
        response_200 = MessageExchange.from_dict(response.json())

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


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorBody | MessageExchange]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    chat_id: int,
    *,
    client: AuthenticatedClient,
    body: SendMessageRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | MessageExchange]:
    """Send a message

     Adds a message to the chat and answers it, with as much of the chat's history as the model can read.
    Messages
    of one chat are answered one after the other. If the turn fails, the message stays with the status
    `failed`
    and can be retried; the error's `details.user_message_id` is its number.

    Streams, `Idempotency-Key`, stop and resume are the same as with `POST /api/chat`.

    Args:
        chat_id (int):
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (SendMessageRequest): A new message of a stored chat. A text or an image is required.
            Example: {'text': 'What are your opening hours?'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | MessageExchange]
    """

    kwargs = _get_kwargs(
        chat_id=chat_id,
        body=body,
        x_session_id=x_session_id,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    chat_id: int,
    *,
    client: AuthenticatedClient,
    body: SendMessageRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | MessageExchange | None:
    """Send a message

     Adds a message to the chat and answers it, with as much of the chat's history as the model can read.
    Messages
    of one chat are answered one after the other. If the turn fails, the message stays with the status
    `failed`
    and can be retried; the error's `details.user_message_id` is its number.

    Streams, `Idempotency-Key`, stop and resume are the same as with `POST /api/chat`.

    Args:
        chat_id (int):
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (SendMessageRequest): A new message of a stored chat. A text or an image is required.
            Example: {'text': 'What are your opening hours?'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | MessageExchange
    """

    return sync_detailed(
        chat_id=chat_id,
        client=client,
        body=body,
        x_session_id=x_session_id,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    chat_id: int,
    *,
    client: AuthenticatedClient,
    body: SendMessageRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | MessageExchange]:
    """Send a message

     Adds a message to the chat and answers it, with as much of the chat's history as the model can read.
    Messages
    of one chat are answered one after the other. If the turn fails, the message stays with the status
    `failed`
    and can be retried; the error's `details.user_message_id` is its number.

    Streams, `Idempotency-Key`, stop and resume are the same as with `POST /api/chat`.

    Args:
        chat_id (int):
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (SendMessageRequest): A new message of a stored chat. A text or an image is required.
            Example: {'text': 'What are your opening hours?'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | MessageExchange]
    """

    kwargs = _get_kwargs(
        chat_id=chat_id,
        body=body,
        x_session_id=x_session_id,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    chat_id: int,
    *,
    client: AuthenticatedClient,
    body: SendMessageRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | MessageExchange | None:
    """Send a message

     Adds a message to the chat and answers it, with as much of the chat's history as the model can read.
    Messages
    of one chat are answered one after the other. If the turn fails, the message stays with the status
    `failed`
    and can be retried; the error's `details.user_message_id` is its number.

    Streams, `Idempotency-Key`, stop and resume are the same as with `POST /api/chat`.

    Args:
        chat_id (int):
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (SendMessageRequest): A new message of a stored chat. A text or an image is required.
            Example: {'text': 'What are your opening hours?'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | MessageExchange
    """

    return (
        await asyncio_detailed(
            chat_id=chat_id,
            client=client,
            body=body,
            x_session_id=x_session_id,
            idempotency_key=idempotency_key,
        )
    ).parsed
