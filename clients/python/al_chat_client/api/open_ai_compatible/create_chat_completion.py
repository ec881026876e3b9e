from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.chat_completion import ChatCompletion
from ...models.chat_completion_request import ChatCompletionRequest
from ...models.open_ai_error_body import OpenAiErrorBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: ChatCompletionRequest,
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
        "url": "/v1/chat/completions",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ChatCompletion | OpenAiErrorBody | None:
    if response.status_code == 200:
        response_200 = ChatCompletion.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = OpenAiErrorBody.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = OpenAiErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 404:
        response_404 = OpenAiErrorBody.from_dict(response.json())

        return response_404

    if response.status_code == 408:
        response_408 = OpenAiErrorBody.from_dict(response.json())

        return response_408

    if response.status_code == 409:
        response_409 = OpenAiErrorBody.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = OpenAiErrorBody.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = OpenAiErrorBody.from_dict(response.json())

        return response_415

    if response.status_code == 422:
        response_422 = OpenAiErrorBody.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = OpenAiErrorBody.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = OpenAiErrorBody.from_dict(response.json())

        return response_500

    if response.status_code == 502:
        response_502 = OpenAiErrorBody.from_dict(response.json())

        return response_502

    if response.status_code == 503:
        response_503 = OpenAiErrorBody.from_dict(response.json())

        return response_503

    if response.status_code == 504:
        response_504 = OpenAiErrorBody.from_dict(response.json())

        return response_504

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ChatCompletion | OpenAiErrorBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: ChatCompletionRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[ChatCompletion | OpenAiErrorBody]:
    """Ask the model, in OpenAI's form

     Starts the same turn as `POST /api/chat`, with the requests, answers and errors of OpenAI's Chat
    Completions, for its SDKs.
    It needs an API key of this server. A persona (`persona/ID`) answers by its own prompt, which the
    system messages of the
    request follow; a model answers without a persona.

    With `"stream": true` the response is a stream of Server-Sent Events without names: each `data` is a
    chunk
    (`chat.completion.chunk`), an `error` as in other responses, or, as the last one of an answer,
    `[DONE]`. With
    `stream_options.include_usage` the numbers of tokens come before that, in a chunk without choices.

    Errors have the header `x-should-retry`, by which the SDKs repeat only what may be repeated.
    Requests with the same
    `Idempotency-Key` within a day run one turn.

    Args:
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (ChatCompletionRequest): A request for a chat completion. Parameters that are not
            listed here are refused, except those that are about OpenAI's own
            service only (`metadata`, `store`, `service_tier`, `prompt_cache_key`,
            `prompt_cache_retention`, `safety_identifier`,
            `parallel_tool_calls`), which change nothing. Example: {'messages': [{'content': 'Answer
            in one sentence.', 'role': 'system'}, {'content': 'What are your opening hours?', 'role':
            'user'}], 'model': 'gpt-4o-mini', 'temperature': 0.2}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChatCompletion | OpenAiErrorBody]
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
    client: AuthenticatedClient,
    body: ChatCompletionRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> ChatCompletion | OpenAiErrorBody | None:
    """Ask the model, in OpenAI's form

     Starts the same turn as `POST /api/chat`, with the requests, answers and errors of OpenAI's Chat
    Completions, for its SDKs.
    It needs an API key of this server. A persona (`persona/ID`) answers by its own prompt, which the
    system messages of the
    request follow; a model answers without a persona.

    With `"stream": true` the response is a stream of Server-Sent Events without names: each `data` is a
    chunk
    (`chat.completion.chunk`), an `error` as in other responses, or, as the last one of an answer,
    `[DONE]`. With
    `stream_options.include_usage` the numbers of tokens come before that, in a chunk without choices.

    Errors have the header `x-should-retry`, by which the SDKs repeat only what may be repeated.
    Requests with the same
    `Idempotency-Key` within a day run one turn.

    Args:
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (ChatCompletionRequest): A request for a chat completion. Parameters that are not
            listed here are refused, except those that are about OpenAI's own
            service only (`metadata`, `store`, `service_tier`, `prompt_cache_key`,
            `prompt_cache_retention`, `safety_identifier`,
            `parallel_tool_calls`), which change nothing. Example: {'messages': [{'content': 'Answer
            in one sentence.', 'role': 'system'}, {'content': 'What are your opening hours?', 'role':
            'user'}], 'model': 'gpt-4o-mini', 'temperature': 0.2}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChatCompletion | OpenAiErrorBody
    """

    return sync_detailed(
        client=client,
        body=body,
        x_session_id=x_session_id,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: ChatCompletionRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[ChatCompletion | OpenAiErrorBody]:
    """Ask the model, in OpenAI's form

     Starts the same turn as `POST /api/chat`, with the requests, answers and errors of OpenAI's Chat
    Completions, for its SDKs.
    It needs an API key of this server. A persona (`persona/ID`) answers by its own prompt, which the
    system messages of the
    request follow; a model answers without a persona.

    With `"stream": true` the response is a stream of Server-Sent Events without names: each `data` is a
    chunk
    (`chat.completion.chunk`), an `error` as in other responses, or, as the last one of an answer,
    `[DONE]`. With
    `stream_options.include_usage` the numbers of tokens come before that, in a chunk without choices.

    Errors have the header `x-should-retry`, by which the SDKs repeat only what may be repeated.
    Requests with the same
    `Idempotency-Key` within a day run one turn.

    Args:
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (ChatCompletionRequest): A request for a chat completion. Parameters that are not
            listed here are refused, except those that are about OpenAI's own
            service only (`metadata`, `store`, `service_tier`, `prompt_cache_key`,
            `prompt_cache_retention`, `safety_identifier`,
            `parallel_tool_calls`), which change nothing. Example: {'messages': [{'content': 'Answer
            in one sentence.', 'role': 'system'}, {'content': 'What are your opening hours?', 'role':
            'user'}], 'model': 'gpt-4o-mini', 'temperature': 0.2}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChatCompletion | OpenAiErrorBody]
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
    client: AuthenticatedClient,
    body: ChatCompletionRequest,
    x_session_id: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> ChatCompletion | OpenAiErrorBody | None:
    """Ask the model, in OpenAI's form

     Starts the same turn as `POST /api/chat`, with the requests, answers and errors of OpenAI's Chat
    Completions, for its SDKs.
    It needs an API key of this server. A persona (`persona/ID`) answers by its own prompt, which the
    system messages of the
    request follow; a model answers without a persona.

    With `"stream": true` the response is a stream of Server-Sent Events without names: each `data` is a
    chunk
    (`chat.completion.chunk`), an `error` as in other responses, or, as the last one of an answer,
    `[DONE]`. With
    `stream_options.include_usage` the numbers of tokens come before that, in a chunk without choices.

    Errors have the header `x-should-retry`, by which the SDKs repeat only what may be repeated.
    Requests with the same
    `Idempotency-Key` within a day run one turn.

    Args:
        x_session_id (str | Unset):
        idempotency_key (str | Unset):
        body (ChatCompletionRequest): A request for a chat completion. Parameters that are not
            listed here are refused, except those that are about OpenAI's own
            service only (`metadata`, `store`, `service_tier`, `prompt_cache_key`,
            `prompt_cache_retention`, `safety_identifier`,
            `parallel_tool_calls`), which change nothing. Example: {'messages': [{'content': 'Answer
            in one sentence.', 'role': 'system'}, {'content': 'What are your opening hours?', 'role':
            'user'}], 'model': 'gpt-4o-mini', 'temperature': 0.2}.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChatCompletion | OpenAiErrorBody
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            x_session_id=x_session_id,
            idempotency_key=idempotency_key,
        )
    ).parsed
