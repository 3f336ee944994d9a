"""OTLP's export requests → native records. One bad span is refused, its neighbours are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from trailmark_server.ingest import otlp_genai, otlp_openinference
from trailmark_server.ingest.otlp_attributes import Attributes, parsed, plain, text
from trailmark_server.ingest.records import MAX_NAME, check
from trailmark_server.pricing import Price

__all__ = ["Export", "read"]

VER: Final = 2  # an end; the same span sent again changes nothing
PROJECT: Final = ("trailmark.project", "openinference.project.name")
_ENVIRONMENT: Final = ("deployment.environment.name", "deployment.environment")
_THREAD: Final = ("session.id", "gen_ai.conversation.id", "traceloop.association.properties.session_id")
_USER: Final = ("user.id", "enduser.id", "traceloop.association.properties.user_id")
_DIALECTS: Final = ("gen_ai.", "traceloop.", "llm.request.", "llm.usage.")
_LONGEST_S: Final = 86_400
_NOISE: Final = ("telemetry.sdk.",)


@dataclass(slots=True)
class Export:
    """What an export request holds, and what of it was refused."""

    records: list[dict[str, Any]] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)  # what spans know of their trace (`Writer.know`)
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Source:
    """Who says it."""

    project: str
    resource: dict[str, Any]
    scope: str


def read(request: ExportTraceServiceRequest, project: str | None = None, prices: Sequence[Price] = ()) -> Export:
    """Its spans as checked records. `project`: for resources that name none; else it is their `service.name`."""
    export = Export()
    found: list[dict[str, Any]] = []
    for source, span in _spans(request, project):
        try:
            record, facts, scores = _record(source, span)
        except (ValueError, RecursionError) as error:
            export.refused.append(f"span {span.span_id.hex() or '-'}: {error}")
            continue
        found += [record, *scores]
        if facts and record["parent_id"]:
            export.facts.append({"trace_id": record["trace_id"], **facts})
    export.records, bad = check(found, prices)
    export.refused += [f"span {found[one.index].get('id') or '-'}: {one.field}: {one.message}" for one in bad]
    return export


def _spans(request: ExportTraceServiceRequest, project: str | None) -> Iterator[tuple[_Source, Span]]:
    for group in request.resource_spans:
        resource = Attributes(group.resource.attributes).left
        name = next((text(resource[key]) for key in PROJECT if resource.get(key)), project)
        service = text(resource.get("service.name")) or ""
        if name is None and not service.startswith("unknown_service"):
            name = service
        for scoped in group.scope_spans:
            scope = f"{scoped.scope.name} {scoped.scope.version}".strip()
            for span in scoped.spans:
                yield _Source((name or "Default Project")[:MAX_NAME], resource, scope), span


def _record(source: _Source, span: Span) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    given = Attributes(span.attributes)
    ids = _ids(span, given)
    error, messages, scores, others = _events(span)
    about = _about(given)
    kept = [{"trace": ids["trace_id"], "of": score} for score in otlp_openinference.scores_of(given, "trace.")]
    scores += otlp_openinference.scores_of(given)
    fields = _fields(given, messages)
    start, end = span.start_time_unix_nano // 1000, span.end_time_unix_nano // 1000
    failed = span.status.code == Status.STATUS_CODE_ERROR
    record: dict[str, Any] = {
        "k": "span", **ids, "ver": VER, "project": source.project, "name": span.name, "type": "general",
        "start_us": start, "end_us": end or None, "status": "error" if failed else "ok" if end else "running",
        **fields,
    }  # fmt: skip
    if failed:
        record["error"] = error or {"type": "Error", "message": span.status.message, "traceback": None}
    if scores:
        record["scores"] = scores
    wait = given.take_number("gen_ai.response.time_to_first_chunk", most=_LONGEST_S)
    if wait is not None:
        record["first_token_us"] = start + int(wait * 1e6)
    record["metadata"] = _metadata(source, span, {**given.left, **fields.get("metadata", {})}, others)
    if about.get("tags"):
        record["tags"] = about["tags"]
    if record["parent_id"] is None:
        record["trace"] = _own(source, about)
    return record, about, [_score(record, one["of"]) for one in kept]


def _fields(given: Attributes, messages: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """By the conventions the span speaks; both, if it speaks both."""
    fields: dict[str, Any] = {}
    if messages or any(given.has(prefix) for prefix in _DIALECTS):
        fields |= otlp_genai.fields_of(given, messages)
    found = otlp_openinference.fields_of(given)
    return fields | {key: value for key, value in found.items() if value is not None}


def _ids(span: Span, given: Attributes) -> dict[str, Any]:
    """As UUIDs: an eight-byte span id is the low half of one. Opik's own span processor names all three."""
    for name, data, size in (("trace_id", span.trace_id, 16), ("span_id", span.span_id, 8)):
        if len(data) != size or not any(data):
            raise ValueError(f"{name} is {data.hex()[:64] or 'empty'}; allowed: {size} bytes that are not all zero")
    if span.parent_span_id and len(span.parent_span_id) != 8:
        raise ValueError(f"parent_span_id has {len(span.parent_span_id)} bytes; allowed: 8, or none")
    opik = [_uuid(given.left.get(f"opik.{name}")) for name in ("trace_id", "span_id", "parent_span_id")]
    if opik[0] and opik[1]:
        given.take_tree("opik")
        return {"id": opik[1], "trace_id": opik[0], "parent_id": opik[2]}
    parent = span.parent_span_id if any(span.parent_span_id) else None
    return {
        "id": str(UUID(bytes=bytes(8) + span.span_id)),
        "trace_id": str(UUID(bytes=span.trace_id)),
        "parent_id": _parent(parent, span.trace_state) if parent else None,
    }


def _parent(parent: bytes, state: str) -> str:
    """The whole id of a trailmark span that called: `traceparent` has only its low half, `tracestate` all of it."""
    for member in state.split(","):
        key, _, value = member.strip().partition("=")
        if key == "trailmark" and (whole := _uuid(value)) and UUID(whole).bytes[8:] == parent:
            return whole
    return str(UUID(bytes=bytes(8) + parent))


def _uuid(value: Any) -> str | None:
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _events(
    span: Span,
) -> tuple[dict[str, Any] | None, list[tuple[str, dict[str, Any]]], list[dict[str, Any]], list[dict[str, Any]]]:
    """The exception, the messages, the scores, and all other events."""
    error, messages, scores, others = None, [], [], []
    for event in span.events:
        body = {pair.key: plain(pair.value) for pair in event.attributes}
        seen = {"name": event.name, "ts_us": event.time_unix_nano // 1000, **body}
        if event.name == "exception" and span.status.code == Status.STATUS_CODE_ERROR:
            error = {
                "type": text(body.get("exception.type")) or "Error",
                "message": text(body.get("exception.message")) or span.status.message,
                "traceback": text(body.get("exception.stacktrace")),
            }
        elif score := otlp_genai.take_score(event.name, body):
            scores.append(score)
            if score["value"] is None and "gen_ai.evaluation.score.value" in body:
                others.append(seen)
        elif message := otlp_genai.take_event(event.name, body):
            messages.append(message)
        else:
            others.append(seen)
    return error, messages, scores, others


def _about(given: Attributes) -> dict[str, Any]:
    """Conversation, user and tags of the trace, which any of its spans may name."""
    tags = parsed(given.take("tag.tags"))
    found = {"thread_id": text(given.take(*_THREAD)), "user_id": text(given.take(*_USER)),
             "tags": [str(tag) for tag in tags] if isinstance(tags, list) else None}  # fmt: skip
    return {key: value for key, value in found.items() if value}


def _own(source: _Source, about: dict[str, Any]) -> dict[str, Any]:
    """What is the trace's own at its root."""
    environment = next((text(source.resource[key]) for key in _ENVIRONMENT if source.resource.get(key)), None)
    resource = {key: value for key, value in source.resource.items() if not key.startswith(_NOISE)}
    return {**about, "environment": environment, "metadata": {"resource": resource} if resource else None}


def _metadata(source: _Source, span: Span, given: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    otel: dict[str, Any] = {"kind": _KINDS.get(span.kind, "internal")}
    if source.scope:
        otel["scope"] = source.scope
    if span.links:
        otel["links"] = [{"trace_id": link.trace_id.hex(), "span_id": link.span_id.hex()} for link in span.links]
    return {**given, **({"events": events} if events else {}), "otel": otel}


_KINDS: Final = {
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_PRODUCER: "producer",
    Span.SPAN_KIND_CONSUMER: "consumer",
}


def _score(record: dict[str, Any], score: dict[str, Any]) -> dict[str, Any]:
    """Of the trace, said by a span of it."""
    when = record["end_us"] or record["start_us"]
    return {"k": "score", "trace_id": record["trace_id"], "project": record["project"], "ver": when, "ts_us": when,
            "source": "otlp", **score}  # fmt: skip
