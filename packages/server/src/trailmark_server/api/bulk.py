"""One action on many traces, whose number the person has seen."""

from __future__ import annotations

import time
from typing import Any, Final

from trailmark_server import jobs
from trailmark_server.api import models
from trailmark_server.api.params import bounds_of
from trailmark_server.api.problems import Problem
from trailmark_server.api.scores import check_value
from trailmark_server.store import Bounds, NotFoundError, Reader, Store

__all__ = ["MOST", "run"]

MOST: Final = 10_000  # traces done while the request waits; more are a job
_PAGE: Final = 500
_ABOUT: Final = 0.1  # how far the number of an estimate may be off


def run(store: Store, worker: jobs.Worker, project: str, given: models.Bulk) -> jobs.Job | int:
    """How many traces it was done to; the job that does it when they are many. Problem 409 when it would be another
    number than expected."""
    if (given.ids is None) == (given.q is None):
        raise Problem(400, "it names ids and q, or neither; allowed: one of them")
    more = _checked(given)
    bounds = bounds_of(given.from_, given.to)
    if given.q is not None and _is_large(store, project, given, bounds):
        job = jobs.start(store, project, given.action, total=given.expected, query=given.q, bounds=bounds, **more)
        worker.tell()
        return job
    rows = _chosen(store, project, given, bounds)
    if len(rows) != given.expected:
        raise Problem(409, f"it would be {len(rows)} traces, not {given.expected}: nothing was done", traces=len(rows))
    act = jobs.action({"action": given.action, "project": project, "started_us": time.time_ns() // 1000, **more})
    at = 0
    while turn := jobs.turn_of(rows[at:]):
        store.write(lambda writer, turn=turn: [act(writer, row) for row in turn])  # type: ignore[misc]
        at += len(turn)
    return at


def _is_large(store: Store, project: str, given: models.Bulk, bounds: Bounds) -> bool:
    with store.read() as reader:
        count = reader.count(project, query=given.q or "", bounds=bounds)
    found, wanted = count["estimate"], given.expected
    if found <= MOST and count["exact"]:
        return False
    if abs(found - wanted) > (0 if count["exact"] else _ABOUT * found):
        raise Problem(409, f"it would be {found} traces, not {wanted}: nothing was done", traces=found)
    return True


def _chosen(store: Store, project: str, given: models.Bulk, bounds: Bounds) -> list[dict[str, Any]]:
    with store.read() as reader:
        if given.ids is not None:
            found = (_in(reader, project, id) for id in dict.fromkeys(given.ids))
            return [row for row in found if row is not None]
        rows: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = reader.trace_rows(project, query=given.q or "", bounds=bounds, limit=_PAGE, cursor=cursor)
            rows += page["rows"]
            cursor = page["next"]
            if cursor is None:
                return rows


def _in(reader: Reader, project: str, id: str) -> dict[str, Any] | None:
    try:
        trace = reader.trace_head(id, whole=False)
    except NotFoundError:
        return None
    return trace if trace["project"] == project else None


def _checked(given: models.Bulk) -> dict[str, Any]:
    """What the action needs besides the traces."""
    if given.action == "score":
        if given.score is None:
            raise Problem(400, "action is score and no score is given; allowed: score with name and value or label")
        check_value(given.score)
        kept = ("name", "value", "label", "reason", "source", "author")
        return {"score": {name: getattr(given.score, name) for name in kept}}
    if given.action in ("tag", "untag") and given.tag is None:
        raise Problem(400, f"action is {given.action} and no tag is given; allowed: tag with a text")
    return {"tag": given.tag} if given.action != "delete" else {}
