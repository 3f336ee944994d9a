"""Scores given on the page or by programs, with who gave them; and how a project's scores are to be given."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from trailmark_server.api import models
from trailmark_server.api.answers import answer
from trailmark_server.api.params import Limit
from trailmark_server.api.problems import Problem
from trailmark_server.store import NotFoundError, Reader, Store

__all__ = ["check_value", "project_of", "router", "target_of"]

_KINDS = ("span", "trace", "thread")


def router(store: Store) -> APIRouter:  # noqa: C901 - one route after the other
    """`/api/v1/scores`, `/api/v1/projects/{project}/score-defs`."""
    routes = APIRouter(prefix="/api/v1", tags=["scores"])

    @routes.get("/scores", response_model=list[models.Score])
    def listed(
        request: Request,
        trace_id: str | None = None,
        span_id: str | None = None,
        thread_id: str | None = None,
        project: str | None = None,
        limit: Limit = 200,
    ) -> Response:
        """Of a span, a trace with its spans, a thread (with `project`), or the newest of a project."""
        kind, id = target_of({"span_id": span_id, "trace_id": trace_id, "thread_id": thread_id})
        with store.read() as reader:
            if kind is None and project is not None:
                return answer(request, reader.scores_of_project(project, limit))
            if kind is None:
                raise Problem(400, "scores of what? Allowed: trace_id, span_id, thread_id with project, or project")
            return answer(request, reader.scores(kind, id, project))

    @routes.post("/scores", response_model=models.Score, status_code=201)
    def give(score: models.NewScore) -> dict[str, Any]:
        with store.read() as reader:
            record = _record(reader, score)
        store.write(lambda writer: writer.put([record]))
        kind, id = target_of(score.model_dump())
        assert kind is not None  # _record has looked
        with store.read() as reader:
            return _given(reader.scores(kind, id), kind, score)

    @routes.delete("/scores/{id}", status_code=204)
    def take_back(id: str) -> Response:
        store.write(lambda writer: writer.drop_score(id))
        return Response(status_code=204)

    @routes.get("/scores/{id}/history", response_model=list[models.ScoreBefore])
    def history(request: Request, id: str) -> Response:
        with store.read() as reader:
            return answer(request, reader.score_history(id))

    @routes.get("/projects/{project:path}/score-defs", response_model=list[models.ScoreDef])
    def definitions(request: Request, project: str) -> Response:
        with store.read() as reader:
            return answer(request, reader.document("score-defs", project) or [])

    @routes.put("/projects/{project:path}/score-defs", response_model=list[models.ScoreDef])
    def define(project: str, given: Annotated[list[models.ScoreDef], Body(max_length=200)]) -> list[models.ScoreDef]:
        """All of them at once; their order is the order on the page."""
        for one in given:
            _check(one)
        if len({one.name for one in given}) < len(given):
            raise Problem(400, "two definitions have the same name; allowed: each once")
        values = [one.model_dump() for one in given]
        store.write(lambda writer: writer.put_document("score-defs", project, values))
        return given

    return routes


def _record(reader: Reader, score: models.NewScore) -> dict[str, Any]:
    """The native record. Problem for what is no score, NotFoundError for a trace or span that is not there."""
    kind, id = target_of(score.model_dump())
    if kind is None:
        raise Problem(400, "a score of what? Allowed: one of trace_id, span_id, thread_id")
    check_value(score)
    now = time.time_ns() // 1000
    return {
        "k": "score", "ver": now, "ts_us": now, "project": project_of(reader, kind, id, score.project),
        f"{kind}_id": id, "name": score.name, "value": score.value, "label": score.label, "reason": score.reason,
        "source": score.source, "author": score.author,
    }  # fmt: skip


def check_value(score: models.NewScore) -> None:
    """Problem when it says nothing."""
    if score.value is None and score.label is None:
        raise Problem(400, "a score has neither value nor label; allowed: a number, true, false, or a label")


def project_of(reader: Reader, kind: str, id: str, given: str | None) -> str:
    """The project of a trace or span; a thread's must be given."""
    if kind == "thread":
        if given is None:
            raise Problem(400, "a thread has no project; allowed: its name")
        return given
    trace_id = id if kind == "trace" else reader.spans_of(id)
    if trace_id is None:
        raise NotFoundError(f"no span {id}")
    reader.change_of(trace_id)
    return str(reader.trace_head(trace_id)["project"])


def target_of(given: dict[str, Any]) -> tuple[str | None, str]:
    """What a request names by `trace_id`, `span_id` or `thread_id`: kind and id; None for none of them."""
    named = [(kind, given[f"{kind}_id"]) for kind in _KINDS if given.get(f"{kind}_id")]
    if len(named) > 1:
        raise Problem(400, f"it names {' and '.join(f'{kind}_id' for kind, _ in named)}; allowed: one of them")
    return named[0] if named else (None, "")


def _given(scores: list[dict[str, Any]], kind: str, score: models.NewScore) -> dict[str, Any]:
    own = (one for one in scores if one[f"{kind}_id"] is not None)  # not those of a trace's spans
    given = (score.name, score.source, score.author)
    for one in own:
        if (one["name"], one["source"], one["author"]) == given:
            return one
    raise NotFoundError(f"the score {score.name} was taken back while it was given")


def _check(definition: models.ScoreDef) -> None:
    if definition.type == "categorical" and not definition.categories:
        raise Problem(400, f"{definition.name} is categorical and has no categories; allowed: at least one")
    if definition.min is not None and definition.max is not None and definition.min >= definition.max:
        raise Problem(400, f"{definition.name} goes from {definition.min} to {definition.max}; allowed: min below max")
