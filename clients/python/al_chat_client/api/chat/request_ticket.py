from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.embed_ticket import EmbedTicket
from ...models.error_body import ErrorBody
from ...models.ticket_request import TicketRequest
from ...types import Response


def _get_kwargs(
    *,
    body: TicketRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/embed/ticket",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> EmbedTicket | ErrorBody | None:
    if response.status_code == 200:
        response_200 = EmbedTicket.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ErrorBody.from_dict(response.json())

        return response_400

    if response.status_code == 403:
        response_403 = ErrorBody.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = ErrorBody.from_dict(response.json())

        return response_404

    if response.status_code == 408:
        response_408 = ErrorBody.from_dict(response.json())

        return response_408

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
) -> Response[EmbedTicket | ErrorBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: TicketRequest,
) -> Response[EmbedTicket | ErrorBody]:
    """Request a ticket for a page

     A page that embeds the chat window proves by the ticket that it is a page of the site: the browser's
    `Origin` must be one
    of the site's, or this server's own. The ticket names site, origin and visitor, and is needed to ask
    if there are sites.
    Nothing is stored.

    Args:
        body (TicketRequest): The request of a page for a ticket. Example: {'site': 'shop'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[EmbedTicket | ErrorBody]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: TicketRequest,
) -> EmbedTicket | ErrorBody | None:
    """Request a ticket for a page

     A page that embeds the chat window proves by the ticket that it is a page of the site: the browser's
    `Origin` must be one
    of the site's, or this server's own. The ticket names site, origin and visitor, and is needed to ask
    if there are sites.
    Nothing is stored.

    Args:
        body (TicketRequest): The request of a page for a ticket. Example: {'site': 'shop'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        EmbedTicket | ErrorBody
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: TicketRequest,
) -> Response[EmbedTicket | ErrorBody]:
    """Request a ticket for a page

     A page that embeds the chat window proves by the ticket that it is a page of the site: the browser's
    `Origin` must be one
    of the site's, or this server's own. The ticket names site, origin and visitor, and is needed to ask
    if there are sites.
    Nothing is stored.

    Args:
        body (TicketRequest): The request of a page for a ticket. Example: {'site': 'shop'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[EmbedTicket | ErrorBody]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: TicketRequest,
) -> EmbedTicket | ErrorBody | None:
    """Request a ticket for a page

     A page that embeds the chat window proves by the ticket that it is a page of the site: the browser's
    `Origin` must be one
    of the site's, or this server's own. The ticket names site, origin and visitor, and is needed to ask
    if there are sites.
    Nothing is stored.

    Args:
        body (TicketRequest): The request of a page for a ticket. Example: {'site': 'shop'}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        EmbedTicket | ErrorBody
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
