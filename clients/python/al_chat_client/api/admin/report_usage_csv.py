from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.log_report_grouping import LogReportGrouping
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    by: LogReportGrouping | Unset = UNSET,
    since: str | Unset = UNSET,
    until: str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_by: str | Unset = UNSET
    if not isinstance(by, Unset):
        json_by = by.value

    params["by"] = json_by

    params["since"] = since

    params["until"] = until

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/admin/usage/csv",
        "params": params,
    }

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[ErrorBody | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    by: LogReportGrouping | Unset = UNSET,
    since: str | Unset = UNSET,
    until: str | Unset = UNSET,
) -> Response[ErrorBody | str]:
    """Report what was used, as CSV

     Returns the figures of `GET /api/admin/usage` with a row for each group, in the columns of `al-chat
    log report --format csv`.

    Args:
        by (LogReportGrouping | Unset): The field by which a report groups turns: `user` is the
            name of the user, `key` that of a server's API key, `code` the error code.
            `day` and `hour` are those of a turn's end in the log's time zone.
        since (str | Unset):
        until (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | str]
    """

    kwargs = _get_kwargs(
        by=by,
        since=since,
        until=until,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    by: LogReportGrouping | Unset = UNSET,
    since: str | Unset = UNSET,
    until: str | Unset = UNSET,
) -> ErrorBody | str | None:
    """Report what was used, as CSV

     Returns the figures of `GET /api/admin/usage` with a row for each group, in the columns of `al-chat
    log report --format csv`.

    Args:
        by (LogReportGrouping | Unset): The field by which a report groups turns: `user` is the
            name of the user, `key` that of a server's API key, `code` the error code.
            `day` and `hour` are those of a turn's end in the log's time zone.
        since (str | Unset):
        until (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | str
    """

    return sync_detailed(
        client=client,
        by=by,
        since=since,
        until=until,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    by: LogReportGrouping | Unset = UNSET,
    since: str | Unset = UNSET,
    until: str | Unset = UNSET,
) -> Response[ErrorBody | str]:
    """Report what was used, as CSV

     Returns the figures of `GET /api/admin/usage` with a row for each group, in the columns of `al-chat
    log report --format csv`.

    Args:
        by (LogReportGrouping | Unset): The field by which a report groups turns: `user` is the
            name of the user, `key` that of a server's API key, `code` the error code.
            `day` and `hour` are those of a turn's end in the log's time zone.
        since (str | Unset):
        until (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | str]
    """

    kwargs = _get_kwargs(
        by=by,
        since=since,
        until=until,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    by: LogReportGrouping | Unset = UNSET,
    since: str | Unset = UNSET,
    until: str | Unset = UNSET,
) -> ErrorBody | str | None:
    """Report what was used, as CSV

     Returns the figures of `GET /api/admin/usage` with a row for each group, in the columns of `al-chat
    log report --format csv`.

    Args:
        by (LogReportGrouping | Unset): The field by which a report groups turns: `user` is the
            name of the user, `key` that of a server's API key, `code` the error code.
            `day` and `hour` are those of a turn's end in the log's time zone.
        since (str | Unset):
        until (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | str
    """

    return (
        await asyncio_detailed(
            client=client,
            by=by,
            since=since,
            until=until,
        )
    ).parsed
