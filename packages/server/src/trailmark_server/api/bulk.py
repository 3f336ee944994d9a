"""One action on many traces, whose number the person has seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from trailmark_server.api import models
from trailmark_server.api.params import bounds_of
from trailmark_server.api.problems import Problem
from trailmark_server.api.scores import score_record
from trailmark_server.store import NotFoundError, Store, Writer

__all__ = ["run"]

_MOST: Final = 10_000
_CHUNK: Final = 200
_PAGE: Final = 500


def run(store: Store, project: str, given: models.Bulk) -> int:
    """How many traces it was done to. Problem 409 when it would be another number than expected."""
    if (given.ids is None) == (given.q is None):
        raise Problem(400, "it names ids and q, or neither; allowed: one of them")
    ids = _chosen(store, project, given)
    if len(ids) != given.expected:
        raise Problem(409, f"it would be {len(ids)} traces, not {given.expected}: nothing was done", traces=len(ids))
    act = _action(store, given)
    for at in range(0, len(ids), _CHUNK):
        chunk = ids[at : at + _CHUNK]
        store.write(lambda writer, chunk=chunk: [act(writer, id) for id in chunk])  # type: ignore[misc]
    return len(ids)


def _chosen(store: Store, project: str, given: models.Bulk) -> list[str]:
    with store.read() as reader:
        if given.ids is not None:
            return [id for id in dict.fromkeys(given.ids) if _is_in(reader, project, id)]
        ids: list[str] = []
        cursor = None
        bounds = bounds_of(given.from_, given.to)
        while True:
            page = reader.trace_rows(project, query=given.q or "", bounds=bounds, limit=_PAGE, cursor=cursor)
            ids += [row["id"] for row in page["rows"]]
            cursor = page["next"]
            if len(ids) > _MOST:
                raise Problem(400, f"the query finds more than {_MOST} traces; allowed: fewer, by a narrower time")
            if cursor is None:
                return ids


def _is_in(reader: Any, project: str, id: str) -> bool:
    try:
        reader.change_of(id)
    except NotFoundError:
        return False
    return bool(reader.trace_head(id)["project"] == project)


def _action(store: Store, given: models.Bulk) -> Callable[[Writer, str], Any]:
    if given.action == "delete":
        return lambda writer, trace_id: writer.delete_trace(trace_id)
    if given.action == "score":
        if given.score is None:
            raise Problem(400, "action is score and no score is given; allowed: score with name and value or label")
        return _scoring(store, given.score)
    if given.tag is None:
        raise Problem(400, f"action is {given.action} and no tag is given; allowed: tag with a text")
    tag = given.tag
    if given.action == "tag":
        return lambda writer, trace_id: writer.edit("trace", trace_id, {"tags": [tag]})
    return lambda writer, trace_id: _untag(store, writer, trace_id, tag)


def _scoring(store: Store, score: models.NewScore) -> Callable[[Writer, str], Any]:
    def give(writer: Writer, id: str) -> None:
        with store.read() as reader:
            record = score_record(reader, score.model_copy(update={"trace_id": id, "span_id": None, "thread_id": None}))
        writer.put([record])

    return give


def _untag(store: Store, writer: Writer, id: str, tag: str) -> None:
    with store.read() as reader:
        tags = reader.trace_head(id)["tags"]
    if tag in tags:
        writer.patch("trace", id, {"tags": [one for one in tags if one != tag]})
