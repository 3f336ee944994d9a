"""Lists of traces and spans: pages, what changed, counts, histogram, export."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from trailmark_server.api import models
from trailmark_server.api.answers import answer
from trailmark_server.api.params import Bounds, Buckets, Limit, Seq, Text
from trailmark_server.api.problems import Problem
from trailmark_server.query import FIELDS, parse
from trailmark_server.store import SORTS, Reader, Store

__all__ = ["fields_of", "router", "sort_of"]

_FIELD: Final = re.compile(r"(metadata|score)\.[^\s]{1,200}\Z")
_FIELDS: Final = ("env", "version", "ttft")
_PAGE: Final = 200
Of = Annotated[Literal["traces", "spans"], Query(description="What a row is.")]
Sort = Annotated[str, Query(description="A key, with - for largest first: start, duration, cost, tokens.")]


def sort_of(text: str, keys: tuple[str, ...]) -> str:
    """The order, if an index holds it."""
    if text.removeprefix("-") in keys:
        return text
    is_known = text.removeprefix("-") in FIELDS
    why = ": no index holds its order, so it would read the whole project" if is_known else ""
    raise Problem(400, f"sort is {text!r}{why}; allowed: {', '.join(keys)}, with - before for largest first")


def fields_of(text: str, known: tuple[str, ...] = _FIELDS) -> tuple[str, ...]:
    """Names of extra columns."""
    names = tuple(name for name in text.split(",") if name)
    for name in names:
        if name not in known and not _FIELD.match(name):
            raise Problem(400, f"fields has {name!r}; allowed: {', '.join(known)}, metadata.KEY, score.NAME")
    if len(names) > 20:
        raise Problem(400, f"fields has {len(names)} names; allowed: up to 20")
    return tuple(name for name in names if not name.startswith("score."))  # those are in the row


def router(store: Store) -> APIRouter:
    """Under `/api/v1/projects/{project}`."""
    routes = APIRouter(prefix="/api/v1", tags=["lists"])

    @routes.get("/projects/{project:path}/traces/delta", response_model=models.TraceDelta)
    def delta(
        request: Request, project: str, since: Seq = 0, q: Text = "", limit: Limit = 200, fields: str = ""
    ) -> Response:
        names = fields_of(fields)
        with store.read() as reader:
            found = reader.changes(project, since=since, query=q, limit=limit, fields=names)
        return answer(request, found)

    @routes.get("/projects/{project:path}/traces/count", response_model=models.Count)
    def count(request: Request, project: str, bounds: Bounds, q: Text = "") -> Response:
        with store.read() as reader:
            return answer(request, reader.count(project, query=q, bounds=bounds))

    @routes.get("/projects/{project:path}/traces", response_model=models.TracePage)
    def traces(
        request: Request,
        project: str,
        bounds: Bounds,
        q: Text = "",
        sort: Sort = "-start",
        limit: Limit = 200,
        cursor: str | None = None,
        fields: str = "",
    ) -> Response:
        order, names = sort_of(sort, SORTS), fields_of(fields)
        with store.read() as reader:
            page = reader.trace_rows(
                project, query=q, bounds=bounds, sort=order, limit=limit, cursor=cursor, fields=names
            )
        return answer(request, page)

    @routes.get("/projects/{project:path}/histogram", response_model=models.Histogram)
    def histogram(
        request: Request, project: str, bounds: Bounds, q: Text = "", buckets: Buckets = 120, of: Of = "traces"
    ) -> Response:
        with store.read() as reader:
            return answer(request, reader.histogram(project, query=q, bounds=bounds, buckets=buckets, of=of))

    _add_spans(routes, store)
    _add_whole(routes, store)
    return routes


def _add_spans(routes: APIRouter, store: Store) -> None:
    @routes.get("/projects/{project:path}/spans/count", response_model=models.Count)
    def count(request: Request, project: str, bounds: Bounds, q: Text = "") -> Response:
        with store.read() as reader:
            return answer(request, reader.count(project, query=q, bounds=bounds, of="spans"))

    @routes.get("/projects/{project:path}/spans", response_model=models.SpanPage)
    def spans(
        request: Request,
        project: str,
        bounds: Bounds,
        q: Text = "",
        sort: Sort = "-start",
        limit: Limit = 200,
        cursor: str | None = None,
        fields: str = "",
    ) -> Response:
        order, names = sort_of(sort, ("start",)), fields_of(fields, ("version",))
        with store.read() as reader:
            page = reader.span_rows(
                project, query=q, bounds=bounds, sort=order, limit=limit, cursor=cursor, fields=names
            )
        return answer(request, page)


def _add_whole(routes: APIRouter, store: Store) -> None:
    @routes.get(
        "/projects/{project:path}/export",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}},
    )
    def export(project: str, bounds: Bounds, q: Text = "", of: Of = "traces") -> StreamingResponse:
        """Native records, a line each, which `POST /api/v1/ingest` takes back: traces, or only the spans found."""
        parse(q)  # refused before the first byte
        headers = {"Content-Disposition": f"attachment; filename={of}.jsonl", "Cache-Control": "no-store"}
        lines = _lines(store, _PAGES[of], project, q, bounds)
        return StreamingResponse(lines, media_type="application/x-ndjson", headers=headers)

    @routes.get("/search/{kind}", response_model=dict[str, Any])
    def search(
        request: Request,
        kind: Literal["traces", "spans"],
        project: str,
        limit: Limit = 100,
        cursor: str | None = None,
        q: Text = "",
    ) -> Response:
        """Whole traces or spans, for programs: `{items, next}`."""
        with store.read() as reader:
            found = reader.whole_traces if kind == "traces" else reader.whole_spans
            return answer(request, found(project, limit=limit, cursor=cursor, query=q))


_Page = tuple[list[dict[str, Any]], str | None]


def _lines(
    store: Store, page: Callable[[Reader, str, str, Bounds, str | None], _Page], project: str, q: str, bounds: Bounds
) -> Iterator[bytes]:
    """A short reading per page, so that a slow receiver does not hold the log of the database."""
    cursor, is_first = None, True
    while is_first or cursor:
        is_first = False
        with store.read() as reader:
            found, cursor = page(reader, project, q, bounds, cursor)
        if found:
            yield b"\n".join(map(orjson.dumps, found)) + b"\n"


def _traces(reader: Reader, project: str, query: str, bounds: Bounds, cursor: str | None) -> _Page:
    page = reader.trace_rows(project, query=query, bounds=bounds, limit=_PAGE, cursor=cursor)
    return [record for row in page["rows"] for record in reader.records(row["id"])], page["next"]


def _spans(reader: Reader, project: str, query: str, bounds: Bounds, cursor: str | None) -> _Page:
    return reader.span_records(project, query=query, bounds=bounds, limit=_PAGE, cursor=cursor)


_PAGES: Final = {"traces": _traces, "spans": _spans}
