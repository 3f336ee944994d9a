"""Ask a stream for its usage where the caller did not, and keep the extra chunk from the caller's loop.

Only typed streams of hosts known to take `stream_options`: whoever reads the bytes reads what the server sent for
the caller's own request.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final, get_origin

import openai
from openai import AsyncStream, Stream

__all__ = ["asking_for_usage", "hide_usage"]

_PATHS: Final = ("/chat/completions", "/completions")
_RAW: Final = "x-stainless-raw-response"
_AZURE: Final = (".openai.azure.com", ".cognitiveservices.azure.com")
_AZURE_SINCE: Final = "2024-09-01"  # older versions of Azure's API answer 400 to stream_options


def asking_for_usage(client: Any, options: Any, stream_cls: Any, *, anywhere: bool) -> Any:
    """A copy of the options that asks for usage; None where the caller decided, or the host may not understand.

    `anywhere`: the user vouches for the host.
    """
    body, extra = options.json_data, getattr(options, "extra_json", None) or {}
    if options.url not in _PATHS or get_origin(stream_cls) not in (Stream, AsyncStream) or not isinstance(body, dict):
        return None
    given = body.get("stream_options") or {}
    if "stream_options" in extra or not isinstance(given, dict) or "include_usage" in given:
        return None
    if isinstance(options.headers, Mapping) and any(name.lower() == _RAW for name in options.headers):
        return None
    if not anywhere and not (_takes_stream_options(client) and "data_sources" not in {**body, **extra}):
        return None
    asking = copy.copy(options)
    asking.json_data = {**body, "stream_options": {**given, "include_usage": True}}
    return asking


def hide_usage(stream: Any) -> None:
    """From here on the stream yields what it would have without the question."""
    hidden = _hidden_async if isinstance(stream, AsyncStream) else _hidden
    stream._iterator = hidden(stream._iterator)


def _takes_stream_options(client: Any) -> bool:
    host = str(client.base_url.host)
    if host == "api.openai.com" or host.endswith(".api.openai.com"):
        return True
    if not host.endswith(_AZURE):
        return False
    version = str(client.default_query.get("api-version") or "v1")
    if isinstance(client, (openai.AzureOpenAI, openai.AsyncAzureOpenAI)):
        version = str(client._api_version or "")
    return not version[:1].isdigit() or version >= _AZURE_SINCE


def _is_extra(chunk: Any) -> bool:
    """Whether the caller's own request would not have brought this chunk; the others lose their sign of ours."""
    if getattr(chunk, "usage", None) is not None:
        return not chunk.choices
    fields_set = getattr(chunk, "model_fields_set", None)
    if fields_set is not None:
        fields_set.discard("usage")  # a null in every chunk, which `to_dict` would show
    return False


def _hidden(chunks: Any) -> Iterator[Any]:
    try:
        for chunk in chunks:
            if not _is_extra(chunk):
                yield chunk
    finally:
        chunks.close()


async def _hidden_async(chunks: Any) -> AsyncIterator[Any]:
    try:
        async for chunk in chunks:
            if not _is_extra(chunk):
                yield chunk
    finally:
        await chunks.aclose()
