"""What the filter bar suggests, and what it makes of a text."""

from __future__ import annotations

import re
from dataclasses import asdict, is_dataclass
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from trailmark_server.api import models
from trailmark_server.api.answers import answer
from trailmark_server.api.problems import Problem
from trailmark_server.query import FIELDS, SAME, QueryError, parse
from trailmark_server.store import Store

__all__ = ["router"]

_OPEN: Final = re.compile(r"(metadata|score|attr)\..")


def router(store: Store) -> APIRouter:
    """`/api/v1/projects/{project}/fields`, `/values`, and `/api/v1/query/parse`."""
    routes = APIRouter(prefix="/api/v1", tags=["filter"])

    @routes.get("/projects/{project:path}/fields", response_model=list[models.FieldInfo])
    def fields(request: Request, project: str, prefix: str = "") -> Response:
        with store.read() as reader:
            return answer(request, reader.field_names(project, prefix))

    @routes.get("/projects/{project:path}/values", response_model=list[models.ValueInfo])
    def values(request: Request, project: str, field: str, prefix: str = "") -> Response:
        """At most 50, counted over the newest traces and spans."""
        field = SAME.get(field, field)
        if field not in FIELDS and not _OPEN.match(field):
            raise Problem(400, f"field is {field[:80]!r}; allowed: {', '.join(FIELDS)}, metadata.KEY, score.NAME")
        with store.read() as reader:
            return answer(request, reader.field_values(project, field, prefix))

    @routes.post("/query/parse", response_model=models.Parsed, response_model_exclude_none=False)
    def parsed(query: models.QueryText) -> dict[str, Any]:
        """Never an error answer for a query: what is wrong, and where, is in it."""
        try:
            return {"ok": True, "ast": _tree(parse(query.q))}
        except QueryError as error:
            fault = {"message": error.message, "start": error.start, "end": error.end, "expected": list(error.expected)}
            return {"ok": False, "error": fault}

    return routes


def _tree(node: Any) -> dict[str, Any]:
    kind = type(node).__name__
    if hasattr(node, "nodes"):
        return {"node": kind, "nodes": [_tree(one) for one in node.nodes]}
    if hasattr(node, "node"):
        return {"node": kind, "nodes": [_tree(node.node)]}
    assert is_dataclass(node)
    assert not isinstance(node, type)
    return {"node": kind, **asdict(node)}
