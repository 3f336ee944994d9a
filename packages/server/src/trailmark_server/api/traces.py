"""One trace: its spans as columns, a span whole, text inside, beside another, deleted."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from trailmark_server.api import compare, models, skeleton
from trailmark_server.api.answers import answer, known
from trailmark_server.api.files import preview_response
from trailmark_server.api.messages import conversation, parameters
from trailmark_server.api.params import Seq
from trailmark_server.api.problems import Problem
from trailmark_server.store import SKELETON_PAGE, NotFoundError, Store

__all__ = ["bounded", "router"]

Limit = Annotated[int, Query(ge=1, le=SKELETON_PAGE)]
MaxBytes = Annotated[int, Query(ge=1024, le=2**28)]


def router(store: Store) -> APIRouter:
    """Under `/api/v1/traces`, `/spans`, `/compare`."""
    routes = APIRouter(prefix="/api/v1", tags=["traces"])

    @routes.get("/traces/{id}", response_model=models.TraceDetail)
    def trace(
        request: Request,
        id: str,
        after: Seq = 0,
        limit: Limit = SKELETON_PAGE,
        since: Seq | None = None,
        max_bytes: MaxBytes = 262_144,
    ) -> Response:
        with store.read() as reader:
            tag = f"{reader.change_of(id)}-{after}-{limit}-{since}-{max_bytes}"
            if (same := known(request, tag)) is not None:
                return same
            found = reader.skeleton(id, after=after, limit=limit, since=since)
        _with_messages(found["trace"], max_bytes)
        bounded(found["trace"], max_bytes)
        return answer(request, found, tag=tag)

    @routes.delete("/traces/{id}", response_model=models.Deleted)
    def delete(id: str) -> dict[str, Any]:
        with store.read() as reader:
            reader.change_of(id)  # 404 for what is not there
        return {"deleted": store.write(lambda writer: writer.delete_trace(id))}

    @routes.get("/traces/{id}/search", response_model=models.Found)
    def search_inside(request: Request, id: str, q: Annotated[str, Query(min_length=1, max_length=1000)]) -> Response:
        with store.read() as reader:
            return answer(request, reader.inside(id, q))

    @routes.get("/spans/{id}", response_model=models.SpanDetail)
    def span_by_id(request: Request, id: str, max_bytes: MaxBytes = 2**28) -> Response:
        with store.read() as reader:
            trace_id = reader.spans_of(id)
            if trace_id is None:
                raise NotFoundError(f"no span {id}")
            return answer(request, _shown(reader.span(trace_id, id, whole=False), max_bytes))

    @routes.get("/traces/{id}/spans/{span_id}", response_model=models.SpanDetail)
    def span(request: Request, id: str, span_id: str, max_bytes: MaxBytes = 262_144) -> Response:
        with store.read() as reader:
            whole = reader.whole_id(id, span_id)
            return answer(request, _shown(reader.span(id, whole, whole=False), max_bytes))

    _add_skeleton(routes, store)
    _add_looks(routes, store)
    return routes


def _add_skeleton(routes: APIRouter, store: Store) -> None:
    @routes.get("/traces/{id}/skeleton", response_model=models.Skeleton)
    def packed(
        request: Request,
        id: str,
        after: Seq = 0,
        limit: Limit = SKELETON_PAGE,
        since: Seq | None = None,
        figures_up_to: Annotated[
            int, Query(ge=0, description="Spans; of more of them figures are left out.")
        ] = SKELETON_PAGE,
        max_bytes: MaxBytes = 262_144,
    ) -> Response:
        """As `/traces/{id}`, in few bytes, for a tree that opens at once; `/figures` brings what is left out."""
        with store.read() as reader:
            tag = f"{reader.change_of(id)}-{after}-{limit}-{since}-{figures_up_to}-{max_bytes}"
            if (same := known(request, tag)) is not None:
                return same
            found, digits = reader.skeleton(id, after=after, limit=limit, since=since), reader.digits(id)
        _with_messages(found["trace"], max_bytes)
        bounded(found["trace"], max_bytes)
        cols = found.pop("cols")
        found["cols"] = skeleton.packed(cols, after=after, digits=digits)
        found["figures"] = skeleton.figures(cols) if len(cols["id"]) <= figures_up_to else None
        return answer(request, found, tag=tag)

    @routes.get("/traces/{id}/figures", response_model=models.Figures)
    def figures_alone(request: Request, id: str, after: Seq = 0, limit: Limit = SKELETON_PAGE) -> Response:
        """Of the rows that `/skeleton` gives for the same page, if `seq` is the same."""
        with store.read() as reader:
            found = reader.skeleton(id, after=after, limit=limit)
        return answer(request, {"seq": found["seq"], "figures": skeleton.figures(found["cols"])})


def _add_looks(routes: APIRouter, store: Store) -> None:
    @routes.get(
        "/traces/{id}/spans/{span_id}/preview",
        response_class=Response,
        responses={200: {"content": {"text/html": {}, "image/svg+xml": {}}}},
    )
    def preview(id: str, span_id: str, path: str) -> Response:
        """The text at a path such as `output.choices.0.message.content`, as a sandboxed document."""
        with store.read() as reader:
            found = reader.span(id, reader.whole_id(id, span_id))
        return preview_response(_at(found, path))

    @routes.get("/compare", response_model=models.Compared)
    def compared(request: Request, a: str, b: str) -> Response:
        with store.read() as reader:
            return answer(request, compare.compared(reader, a, b))


def _shown(span: dict[str, Any], max_bytes: int) -> dict[str, Any]:
    span["params"] = parameters(span["input"])
    _with_messages(span, max_bytes)
    return bounded(span, max_bytes)


def _with_messages(found: dict[str, Any], max_bytes: int) -> None:
    """The conversation in it, if it is not larger than the bound."""
    messages = conversation(found["input"], found["output"])
    size = 0 if messages is None else len(orjson.dumps(messages))
    found["messages"] = messages if size <= max_bytes else None
    if size > max_bytes:
        found.setdefault("truncated", {})["messages"] = size


def bounded(found: dict[str, Any], max_bytes: int) -> dict[str, Any]:
    """Fields past the bound come as the beginning of their JSON, with their size in `truncated`."""
    cut: dict[str, int] = found.setdefault("truncated", {})
    for key in ("input", "output", "metadata", "usage_raw"):
        data = orjson.dumps(found.get(key))
        if len(data) > max_bytes:
            found[key] = data[:max_bytes].decode(errors="ignore")
            cut[key] = len(data)
    return found


def _at(span: dict[str, Any], path: str) -> str:
    value: Any = {key: span[key] for key in ("input", "output", "metadata")}
    for name in path.split("."):
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str):
        raise Problem(404, f"no text at {path!r}; allowed: a path from input, output or metadata to a string")
    return value
