from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.handover_accepted import HandoverAccepted
from ...models.handover_request import HandoverRequest
from ...types import UNSET, Response, Unset


def _get_kwargs(
    session_id: str,
    *,
    body: HandoverRequest | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/session/{session_id}/handover".format(
            session_id=quote(str(session_id), safe=""),
        ),
    }

    if not isinstance(body, Unset):
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | HandoverAccepted | None:
    if response.status_code == 202:
        response_202 = HandoverAccepted.from_dict(response.json())

        return response_202

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
) -> Response[ErrorBody | HandoverAccepted]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    session_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: HandoverRequest | Unset = UNSET,
) -> Response[ErrorBody | HandoverAccepted]:
    """Ask for a person

     Passes on to the owner of the website that the visitor of a session asks for a person
    (`handover.requested` of
    `EVENTS_URL`). As when a session is stopped, the session may have ended, and need not have been
    started by this server.
    The same request is passed on once, as long as it waits. The body may be absent.

    Args:
        session_id (str):
        body (HandoverRequest | Unset): A request for a person. Example: {'contact':
            'ada@shop.example'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | HandoverAccepted]
    """

    kwargs = _get_kwargs(
        session_id=session_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    session_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: HandoverRequest | Unset = UNSET,
) -> ErrorBody | HandoverAccepted | None:
    """Ask for a person

     Passes on to the owner of the website that the visitor of a session asks for a person
    (`handover.requested` of
    `EVENTS_URL`). As when a session is stopped, the session may have ended, and need not have been
    started by this server.
    The same request is passed on once, as long as it waits. The body may be absent.

    Args:
        session_id (str):
        body (HandoverRequest | Unset): A request for a person. Example: {'contact':
            'ada@shop.example'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | HandoverAccepted
    """

    return sync_detailed(
        session_id=session_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    session_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: HandoverRequest | Unset = UNSET,
) -> Response[ErrorBody | HandoverAccepted]:
    """Ask for a person

     Passes on to the owner of the website that the visitor of a session asks for a person
    (`handover.requested` of
    `EVENTS_URL`). As when a session is stopped, the session may have ended, and need not have been
    started by this server.
    The same request is passed on once, as long as it waits. The body may be absent.

    Args:
        session_id (str):
        body (HandoverRequest | Unset): A request for a person. Example: {'contact':
            'ada@shop.example'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | HandoverAccepted]
    """

    kwargs = _get_kwargs(
        session_id=session_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    session_id: str,
    *,
    client: AuthenticatedClient | Client,
    body: HandoverRequest | Unset = UNSET,
) -> ErrorBody | HandoverAccepted | None:
    """Ask for a person

     Passes on to the owner of the website that the visitor of a session asks for a person
    (`handover.requested` of
    `EVENTS_URL`). As when a session is stopped, the session may have ended, and need not have been
    started by this server.
    The same request is passed on once, as long as it waits. The body may be absent.

    Args:
        session_id (str):
        body (HandoverRequest | Unset): A request for a person. Example: {'contact':
            'ada@shop.example'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | HandoverAccepted
    """

    return (
        await asyncio_detailed(
            session_id=session_id,
            client=client,
            body=body,
        )
    ).parsed
