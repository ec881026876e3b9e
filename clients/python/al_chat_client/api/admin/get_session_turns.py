from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.session_turns import SessionTurns
from ...types import UNSET, Response, Unset


def _get_kwargs(
    session_id: str,
    *,
    date: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["date"] = date

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/admin/sessions/{session_id}".format(
            session_id=quote(str(session_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | SessionTurns | None:
    if response.status_code == 200:
        response_200 = SessionTurns.from_dict(response.json())

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
) -> Response[ErrorBody | SessionTurns]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    session_id: str,
    *,
    client: AuthenticatedClient,
    date: str | Unset = UNSET,
) -> Response[ErrorBody | SessionTurns]:
    """Read the turns of a session

     Returns the turns of a session on a day, of the session log of this replica, with their questions
    and answers where the log has
    them and they were not erased. A session without turns on the day has an empty list.

    Args:
        session_id (str):
        date (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | SessionTurns]
    """

    kwargs = _get_kwargs(
        session_id=session_id,
        date=date,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    session_id: str,
    *,
    client: AuthenticatedClient,
    date: str | Unset = UNSET,
) -> ErrorBody | SessionTurns | None:
    """Read the turns of a session

     Returns the turns of a session on a day, of the session log of this replica, with their questions
    and answers where the log has
    them and they were not erased. A session without turns on the day has an empty list.

    Args:
        session_id (str):
        date (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | SessionTurns
    """

    return sync_detailed(
        session_id=session_id,
        client=client,
        date=date,
    ).parsed


async def asyncio_detailed(
    session_id: str,
    *,
    client: AuthenticatedClient,
    date: str | Unset = UNSET,
) -> Response[ErrorBody | SessionTurns]:
    """Read the turns of a session

     Returns the turns of a session on a day, of the session log of this replica, with their questions
    and answers where the log has
    them and they were not erased. A session without turns on the day has an empty list.

    Args:
        session_id (str):
        date (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | SessionTurns]
    """

    kwargs = _get_kwargs(
        session_id=session_id,
        date=date,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    session_id: str,
    *,
    client: AuthenticatedClient,
    date: str | Unset = UNSET,
) -> ErrorBody | SessionTurns | None:
    """Read the turns of a session

     Returns the turns of a session on a day, of the session log of this replica, with their questions
    and answers where the log has
    them and they were not erased. A session without turns on the day has an empty list.

    Args:
        session_id (str):
        date (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | SessionTurns
    """

    return (
        await asyncio_detailed(
            session_id=session_id,
            client=client,
            date=date,
        )
    ).parsed
