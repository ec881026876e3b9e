from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.feedback_recorded import FeedbackRecorded
from ...models.feedback_request import FeedbackRequest
from ...types import UNSET, Response, Unset


def _get_kwargs(
    request_id: str,
    *,
    body: FeedbackRequest,
    x_session_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_session_id, Unset):
        headers["X-Session-ID"] = x_session_id

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/chat/{request_id}/feedback".format(
            request_id=quote(str(request_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | FeedbackRecorded | None:
    if response.status_code == 200:
        response_200 = FeedbackRecorded.from_dict(response.json())

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
) -> Response[ErrorBody | FeedbackRecorded]:
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
    body: FeedbackRequest,
    x_session_id: str | Unset = UNSET,
) -> Response[ErrorBody | FeedbackRecorded]:
    """Rate an answer

     Records what the caller of an answered turn thinks of the answer, up to seven days after it. A
    second request replaces the
    first one; the same again changes nothing, and a rating without a comment leaves the comment on the
    same rating as it is.
    The feedback on a turn can be changed 20 times.

    Args:
        request_id (str):
        x_session_id (str | Unset):
        body (FeedbackRequest): What the caller of a turn thinks of its answer. Example:
            {'comment': 'The price is that of last year.', 'rating': 'down'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | FeedbackRecorded]
    """

    kwargs = _get_kwargs(
        request_id=request_id,
        body=body,
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
    body: FeedbackRequest,
    x_session_id: str | Unset = UNSET,
) -> ErrorBody | FeedbackRecorded | None:
    """Rate an answer

     Records what the caller of an answered turn thinks of the answer, up to seven days after it. A
    second request replaces the
    first one; the same again changes nothing, and a rating without a comment leaves the comment on the
    same rating as it is.
    The feedback on a turn can be changed 20 times.

    Args:
        request_id (str):
        x_session_id (str | Unset):
        body (FeedbackRequest): What the caller of a turn thinks of its answer. Example:
            {'comment': 'The price is that of last year.', 'rating': 'down'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | FeedbackRecorded
    """

    return sync_detailed(
        request_id=request_id,
        client=client,
        body=body,
        x_session_id=x_session_id,
    ).parsed


async def asyncio_detailed(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: FeedbackRequest,
    x_session_id: str | Unset = UNSET,
) -> Response[ErrorBody | FeedbackRecorded]:
    """Rate an answer

     Records what the caller of an answered turn thinks of the answer, up to seven days after it. A
    second request replaces the
    first one; the same again changes nothing, and a rating without a comment leaves the comment on the
    same rating as it is.
    The feedback on a turn can be changed 20 times.

    Args:
        request_id (str):
        x_session_id (str | Unset):
        body (FeedbackRequest): What the caller of a turn thinks of its answer. Example:
            {'comment': 'The price is that of last year.', 'rating': 'down'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | FeedbackRecorded]
    """

    kwargs = _get_kwargs(
        request_id=request_id,
        body=body,
        x_session_id=x_session_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: FeedbackRequest,
    x_session_id: str | Unset = UNSET,
) -> ErrorBody | FeedbackRecorded | None:
    """Rate an answer

     Records what the caller of an answered turn thinks of the answer, up to seven days after it. A
    second request replaces the
    first one; the same again changes nothing, and a rating without a comment leaves the comment on the
    same rating as it is.
    The feedback on a turn can be changed 20 times.

    Args:
        request_id (str):
        x_session_id (str | Unset):
        body (FeedbackRequest): What the caller of a turn thinks of its answer. Example:
            {'comment': 'The price is that of last year.', 'rating': 'down'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | FeedbackRecorded
    """

    return (
        await asyncio_detailed(
            request_id=request_id,
            client=client,
            body=body,
            x_session_id=x_session_id,
        )
    ).parsed
