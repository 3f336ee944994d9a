"""Opik's REST routes, as its SDK uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import dropwhile, islice
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from trailmark_server.api.bodies import read_json
from trailmark_server.api.opik_filters import Test, compile_filters
from trailmark_server.api.opik_views import span_view, thread_model_id, thread_view, trace_row_view, trace_view
from trailmark_server.api.problems import Problem
from trailmark_server.ingest import opik
from trailmark_server.ingest.records import check
from trailmark_server.pricing import Price
from trailmark_server.store import Reader, Store

__all__ = ["PRIVATE", "router"]

PRIVATE: Final = "/api/v1/private"
MAX_ITEMS: Final = 1000
MAX_THREADS: Final = 100_000
PAGE: Final = 200
SEARCH_S: Final = 30.0  # its filters are met here, row by row
_PLACE: Final = (("trace_id", "trace_id"), ("parent_span_id", "parent_id"))
Convert = Callable[[dict[str, Any]], dict[str, Any]]
_RECORDS: Final[dict[str, Convert]] = {"traces": opik.trace_record, "spans": opik.span_record}


def router(store: Store) -> APIRouter:
    """Everything under `/api/v1/private`."""
    routes = APIRouter(prefix=PRIVATE)

    @routes.post("/traces/threads/search")
    async def search_threads(request: Request) -> Response:
        body = await read_json(request)
        lines = await run_in_threadpool(_search, store, "threads", body)
        return Response(lines, media_type="application/octet-stream")

    _add_deletes(routes, store)
    for kind in ("traces", "spans"):
        _add_writes(routes, store, kind)
        _add_reads(routes, store, kind)

    @routes.put("/traces/threads/feedback-scores", status_code=204)
    async def score_threads(request: Request) -> Response:
        return await _scores(store, request, "thread_id")

    @routes.post("/guardrails", status_code=204)
    async def guard(request: Request) -> Response:
        items = _items("guardrails", (await read_json(request)).get("guardrails"))
        await run_in_threadpool(_put, store, "guardrails", items, opik.guardrail_record)
        return Response(status_code=204)

    @routes.post("/projects/retrieve")
    async def project(request: Request) -> Response:
        body = await read_json(request)
        return JSONResponse(await run_in_threadpool(_project, store, body.get("name")))

    @routes.get("/projects")
    def projects(page: int = 1, size: int = 10, name: str = "") -> Response:
        with store.read() as reader:
            found = [_project_view(one["name"]) for one in reader.projects() if name.lower() in one["name"].lower()]
        content = found[max(0, page - 1) * size : max(1, page) * size]
        return JSONResponse({"page": page, "size": len(content), "total": len(found), "content": content})

    @routes.get("/projects/{id:path}")
    def project_by_id(id: str) -> Response:
        return JSONResponse(_project(store, id))

    return routes


def _add_writes(routes: APIRouter, store: Store, kind: str) -> None:
    one = kind[:-1]

    @routes.post(f"/{kind}/batch")
    async def batch(request: Request) -> Response:
        body = await read_json(request)
        return await run_in_threadpool(_batch, store, kind, body.get(kind), 204)

    @routes.patch(f"/{kind}/batch")
    async def patch_batch(request: Request) -> Response:
        body = await read_json(request)
        await run_in_threadpool(_patch_batch, store, one, body)
        return Response(status_code=204)

    @routes.post(f"/{kind}")
    async def create(request: Request) -> Response:
        body = await read_json(request)
        return await run_in_threadpool(_batch, store, kind, [body], 201)

    @routes.put(f"/{kind}/feedback-scores")
    async def score(request: Request) -> Response:
        return await _scores(store, request, f"{one}_id")

    @routes.post(f"/{kind}/{{id}}/feedback-scores/delete")
    async def delete_score(id: str, request: Request) -> Response:
        body = await read_json(request)
        target = _id("id", id)
        await run_in_threadpool(store.write, lambda writer: writer.delete_score(one, target, str(body.get("name"))))
        return Response(status_code=204)

    @routes.patch(f"/{kind}/{{id}}")
    async def patch(id: str, request: Request) -> Response:
        body = await read_json(request)
        await run_in_threadpool(_patch, store, one, id, body)
        return Response(status_code=204)


def _add_deletes(routes: APIRouter, store: Store) -> None:
    @routes.post("/traces/delete", status_code=204)
    async def delete_all(request: Request) -> Response:
        body = await read_json(request)
        ids = [_id("ids", id) for id in _items("ids", body.get("ids"))]
        await run_in_threadpool(store.write, lambda writer: [writer.delete_trace(id) for id in ids])
        return Response(status_code=204)

    @routes.delete("/traces/{id}", status_code=204)
    def delete(id: str) -> Response:
        trace_id = _id("id", id)
        store.write(lambda writer: writer.delete_trace(trace_id))
        return Response(status_code=204)


def _add_reads(routes: APIRouter, store: Store, kind: str) -> None:
    @routes.get(f"/{kind}")
    def page(
        project_name: str = "",
        project_id: str = "",
        filters: str = "",
        trace_id: str | None = None,
        page: Annotated[int, Query(ge=1)] = 1,
        size: Annotated[int, Query(ge=1, le=2000)] = 10,
    ) -> Response:
        body = {"project_name": project_name or project_id, "filters": _parsed(filters), "trace_id": trace_id}
        found, total = _page(store, kind, body, (page - 1) * size, size)
        return JSONResponse({"page": page, "size": len(found), "total": total, "content": found, "sortableBy": []})

    @routes.post(f"/{kind}/search")
    async def search(request: Request) -> Response:
        body = await read_json(request)
        lines = await run_in_threadpool(_search, store, kind, body)
        return Response(lines, media_type="application/octet-stream")

    @routes.get(f"/{kind}/{{id}}")
    def get(id: str) -> Response:
        with store.read() as reader:
            return JSONResponse(trace_view(reader, id) if kind == "traces" else span_view(reader, id))


def _batch(store: Store, kind: str, items: Any, status: int) -> Response:
    _put(store, kind, _items(kind, items), _RECORDS[kind])
    return Response(status_code=status)


def _put(store: Store, kind: str, items: list[Any], convert: Convert) -> None:
    """Store the good ones. 400 names the others: Opik's SDK drops a refused batch, so its neighbours must be in."""
    with store.read() as reader:
        prices = reader.prices()
    good, bad = _convert(items, convert, prices)
    if good:
        store.put(good)
    if bad:
        detail = f"{kind}[{bad[0]['index']}].{bad[0]['field']}: {bad[0]['message']}"
        stored = f"{len(good)} of {len(items)} are stored"
        raise Problem(400, f"{detail}; {stored}" if len(items) > 1 else detail, errors=[detail], rejected=bad)


def _convert(
    items: list[Any], convert: Convert, prices: Sequence[Price] = ()
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    records, bad = [], []
    for index, item in enumerate(items):
        try:
            if not isinstance(item, dict):
                raise ValueError(f"record: it is {type(item).__name__}; allowed: an object")
            records.append((index, convert(item)))
        except ValueError as error:
            field, _, message = str(error).partition(": ")
            bad.append({"index": index, "id": None, "field": field, "message": message})
    good, refused = check([record for _, record in records], prices)
    bad += [{**one.shown(), "index": records[one.index][0], "field": opik.named(one.field)} for one in refused]
    return good, sorted(bad, key=lambda one: one["index"])


async def _scores(store: Store, request: Request, target: str) -> Response:
    body = await read_json(request)
    items = _items("scores", body.get("scores"))
    await run_in_threadpool(_put, store, "scores", items, lambda item: opik.score_record(item, target))
    return Response(status_code=204)


def _items(kind: str, items: Any) -> list[Any]:
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        given = f"{len(items)} items" if isinstance(items, list) else type(items).__name__
        raise Problem(400, f"{kind} is {given}; allowed: a list of 1 to {MAX_ITEMS}")
    return items


def _patch(store: Store, kind: str, id: str, body: dict[str, Any], *, adds_tags: bool = False) -> None:
    good, bad = _convert([body], lambda item: opik.changes_of(kind, id, item))
    if bad:
        raise Problem(400, f"{bad[0]['field']}: {bad[0]['message']}", rejected=bad)
    place = {ours: _id(theirs, body[theirs]) for theirs, ours in _PLACE if kind == "span" and body.get(theirs)}
    changes = {**good[0]["changes"], **place}
    if body.get("project_name") is not None:
        changes["project"] = good[0]["project"]
    if adds_tags and "tags" in changes:
        changes["+tags"] = changes.pop("tags")
    for theirs, ours in (("tags_to_add", "+tags"), ("tags_to_remove", "-tags")):
        if body.get(theirs) is not None:
            changes[ours] = _tags(theirs, body[theirs])
    store.write(lambda writer: writer.patch(kind, id, changes, ver=opik.edited_us(id, changes)))


def _patch_batch(store: Store, kind: str, body: dict[str, Any]) -> None:
    ids = [_id("ids", id) for id in _items("ids", body.get("ids"))]
    update = body.get("update")
    if not isinstance(update, dict):
        raise Problem(400, f"update: it is {type(update).__name__}; allowed: an object")
    for id in ids:
        _patch(store, kind, id, update, adds_tags=body.get("merge_tags") is True)


def _tags(name: str, given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(tag, str) for tag in given):
        raise Problem(400, f"{name}: it is {given!r:.80}; allowed: a list of texts")
    return given


def _id(name: str, given: Any) -> str:
    try:
        return str(UUID(given))
    except (ValueError, AttributeError, TypeError):
        raise Problem(400, f"{name}: it is {given!r:.80}; allowed: a UUID") from None


def _search(store: Store, kind: str, body: dict[str, Any]) -> bytes:
    limit = body.get("limit") or 500
    if not isinstance(limit, int) or not 1 <= limit <= 2000:
        raise Problem(400, f"limit is {limit!r}; allowed: 1 to 2000")
    with store.read(timeout_s=SEARCH_S) as reader:
        return b"".join(orjson.dumps(item) + b"\n" for item in islice(_found(reader, kind, body), limit))


def _page(store: Store, kind: str, body: dict[str, Any], skip: int, size: int) -> tuple[list[dict[str, Any]], int]:
    """The items of one page, and how many there are: exact on the last page, or else one more than was looked at."""
    with store.read(timeout_s=SEARCH_S) as reader:
        found = list(islice(_found(reader, kind, body), skip + size + 1))
    return found[skip : skip + size], len(found)


def _parsed(filters: str) -> Any:
    try:
        return orjson.loads(filters) if filters else []
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"filters is no JSON: {error}") from None


def _found(reader: Reader, kind: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the filters leave, newest first."""
    test, looks_inside = compile_filters(body.get("filters") or [])
    project = str(body.get("project_name") or body.get("project_id") or "Default Project")
    before, trace_id = (_id(name, body[name]) if body.get(name) else None for name in ("last_retrieved_id", "trace_id"))
    found: Iterator[dict[str, Any]]
    if kind == "threads":
        found = _threads(reader, project, body.get("last_retrieved_thread_model_id"))
    elif kind == "traces":
        found = _traces(reader, project, before, None if looks_inside else test)
    else:
        found = _spans(reader, project, before, trace_id)
    return filter(test, found)


def _traces(reader: Reader, project: str, before: str | None, test: Test | None) -> Iterator[dict[str, Any]]:
    """Whole traces; those a test of their rows refuses are not opened."""
    while rows := reader.rows_by_id(project, before=before, limit=PAGE):
        for row in rows:
            if test is None or test(trace_row_view(row)):
                yield trace_view(reader, row["id"])
        before = rows[-1]["id"]


def _spans(reader: Reader, project: str, before: str | None, trace_id: str | None) -> Iterator[dict[str, Any]]:
    while ids := reader.span_ids(project, before=before, limit=PAGE, trace_id=trace_id):
        yield from (span_view(reader, span_id, of_trace) for of_trace, span_id in ids)
        before = ids[-1][1]


def _threads(reader: Reader, project: str, after: Any) -> Iterator[dict[str, Any]]:
    rows = reader.threads(project, limit=MAX_THREADS)
    if after:
        rows = list(dropwhile(lambda row: thread_model_id(project, row["id"]) != after, rows))[1:]
    return (thread_view(reader, project, row) for row in rows)


def _project(store: Store, name: Any) -> dict[str, Any]:
    with store.read() as reader:
        known = [project["name"] for project in reader.projects()]
    if name not in known:
        raise Problem(404, f"no project {name!r}")
    return _project_view(name)


def _project_view(name: str) -> dict[str, Any]:
    return {"id": name, "name": name}
