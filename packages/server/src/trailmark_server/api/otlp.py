"""OTLP/HTTP: traces of OpenTelemetry, in protobuf or JSON."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from trailmark_server.api.bodies import read_body, to_json
from trailmark_server.api.problems import Problem
from trailmark_server.ingest.otlp import Export, read
from trailmark_server.store import Store

__all__ = ["PATHS", "router"]

PATHS: Final = ("/v1/traces", "/api/v1/private/otel/v1/traces")  # OpenTelemetry's, and the one below Opik's address
PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
PROJECT: Final = ("x-trailmark-project", "projectname", "x-project-name")
_SHOWN: Final = 10
_HEX: Final = (("traceId", "trace_id"), ("spanId", "span_id"), ("parentSpanId", "parent_span_id"))


def router(store: Store) -> APIRouter:
    """`POST /v1/traces`; spans that cannot be taken are counted in the answer's `partial_success`."""
    routes = APIRouter()

    async def export(request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (PROTOBUF, JSON):
            raise Problem(415, f"Content-Type is {kind!r}; allowed: {PROTOBUF}, {JSON}")
        body = await read_body(request)
        project = next((request.headers[name] for name in PROJECT if request.headers.get(name)), None)
        return await run_in_threadpool(_export, store, kind, body, project)

    for path in PATHS:
        routes.add_api_route(path, export, methods=["POST"], include_in_schema=path == PATHS[0])
    return routes


def _export(store: Store, kind: str, body: bytes, project: str | None) -> Response:
    refused: list[str] = []
    request = _of_json(body, refused) if kind == JSON else _of_protobuf(body)
    with store.read() as reader:
        prices = reader.prices()
    found = read(request, project, prices)
    if found.records:
        store.write(lambda writer: _put(writer, found))
    return _answer(kind, refused + found.refused)


def _put(writer: Any, found: Export) -> None:
    writer.put(found.records)
    writer.know(found.facts)


def _answer(kind: str, refused: list[str]) -> Response:
    answer = ExportTraceServiceResponse()
    if refused:
        more = f"; and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
        told = "; ".join(reason[:300] for reason in refused[:_SHOWN]) + more
        answer.partial_success.CopyFrom(ExportTracePartialSuccess(rejected_spans=len(refused), error_message=told))
    if kind == JSON:
        return Response(MessageToJson(answer, indent=None), media_type=JSON)
    return Response(answer.SerializeToString(), media_type=PROTOBUF)


def _of_protobuf(body: bytes) -> ExportTraceServiceRequest:
    try:
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
    except DecodeError as error:
        raise Problem(400, f"the body is no ExportTraceServiceRequest: {error}") from None
    return request


def _of_json(body: bytes, refused: list[str]) -> ExportTraceServiceRequest:
    """Protobuf's JSON, but for ids in hex; span by span, so that one cannot spoil the others."""
    value = to_json(body)
    request = ExportTraceServiceRequest()
    for group in _items(value, "resourceSpans", "resource_spans"):
        into = request.resource_spans.add()
        _fill(into, {**group, "scopeSpans": [], "scope_spans": []}, "resourceSpans")
        for scoped in _items(group, "scopeSpans", "scope_spans"):
            scope = into.scope_spans.add()
            _fill(scope, {key: item for key, item in scoped.items() if key != "spans"}, "scopeSpans")
            for span in _items(scoped, "spans"):
                try:
                    _fill(scope.spans.add(), _with_bytes(span), "span")
                except Problem as error:
                    del scope.spans[-1]
                    refused.append(f"span {str(span.get('spanId', '-'))[:40]}: {error.detail}")
    return request


def _items(value: Any, *names: str) -> list[dict[str, Any]]:
    found: Any = next((value[name] for name in names if value.get(name) is not None), [])
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Problem(400, f"{names[0]} is {type(found).__name__}; allowed: a list of objects")
    return found


def _fill(message: ResourceSpans | ScopeSpans | Span, value: dict[str, Any], what: str) -> None:
    try:
        ParseDict(value, message, ignore_unknown_fields=True)
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Problem(400, f"{what}: {str(error)[:300]}") from None


def _with_bytes(span: dict[str, Any]) -> dict[str, Any]:
    links = span.get("links")
    if isinstance(links, list):
        span = {**span, "links": [_ids(link) if isinstance(link, dict) else link for link in links]}
    return _ids(span)


def _ids(value: dict[str, Any]) -> dict[str, Any]:
    """Hex, as OTLP's JSON has ids, in the base64 that protobuf's wants; what is neither fails there."""
    found = dict(value)
    for names in _HEX:
        for name in names:
            if isinstance(given := value.get(name), str):
                try:
                    found[name] = base64.b64encode(binascii.unhexlify(given)).decode()
                except (binascii.Error, ValueError):
                    raise Problem(400, f"{name} is {given[:40]!r}; allowed: hex digits") from None
    return found
