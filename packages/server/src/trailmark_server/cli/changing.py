"""Commands that change what is stored."""

from __future__ import annotations

import getpass
import math
import time
from typing import Annotated, Any, Literal

import orjson
import typer

from trailmark_server.cli.looking import Project, matching
from trailmark_server.cli.opening import Home, app, opened, trace_ids
from trailmark_server.home import default_home
from trailmark_server.store import StoreError

__all__ = ["delete", "score"]

Kind = Literal["trace", "span", "thread"]


@app.command()
def score(
    id: Annotated[str, typer.Argument(help="A trace (its id, its beginning, `last`), or a span or thread with --of.")],
    name: str,
    value: Annotated[str, typer.Argument(help="A number, true, false, or a label such as good.")],
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    of: Annotated[Kind, typer.Option(help="What the id is of.")] = "trace",
    project: Annotated[str, typer.Option(help="The thread's project.")] = "Default Project",
    author: Annotated[str | None, typer.Option(help="Whose judgement it is; you.")] = None,
    home: Home = None,
) -> None:
    """Judge a trace, span or thread; the same author's earlier score of that name is replaced."""
    now = time.time_ns() // 1000
    with opened(home or default_home()) as here:
        with here.store.read(timeout_s=None) as found:
            if of == "trace":
                [id] = trace_ids(found, [id])
                project = found.trace(id)["trace"]["project"]
            elif of == "span":
                trace_id = found.spans_of(id)
                if trace_id is None:
                    raise StoreError(f"no span {id}")
                project = found.span(trace_id, id)["project"]
        record = {
            "k": "score", "ver": now, "ts_us": now, "project": project, f"{of}_id": id, "name": name,
            **_judgement(value), "reason": reason, "source": "human", "author": author or getpass.getuser(),
        }  # fmt: skip
        for refused in here.put([orjson.dumps(record)]):
            raise StoreError(f"{refused['field']}: {refused['message']}")
    print(f"{name} = {value} on {of} {id}")


@app.command()
def delete(
    trace: Annotated[list[str] | None, typer.Argument(help="Ids, their beginnings, or `last`.")] = None,
    query: Annotated[str | None, typer.Option(help="All that this filter finds.")] = None,
    project: Project = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    home: Home = None,
) -> None:
    """Delete traces with all they hold, for good."""
    if bool(trace) == (query is not None):
        raise StoreError("delete what? Give trace ids, or --query")
    with opened(home or default_home()) as here:
        with here.store.read(timeout_s=None) as found:
            ids = trace_ids(found, trace or []) if query is None else _found(found, query, project)
        if ids and not yes:
            typer.confirm(f"Delete {len(ids)} trace{'s' * (len(ids) != 1)} for good?", abort=True)
        here.delete(ids)
    print(f"{len(ids)} deleted")


def _found(found: Any, query: str, project: str | None) -> list[str]:
    return [row["id"] for row in matching(found, query, project, None)]


def _judgement(text: str) -> dict[str, Any]:
    """As a number or truth where it reads as one, a label else."""
    if text in ("true", "false"):
        return {"value": text == "true"}
    try:
        number = float(text)
    except ValueError:
        return {"value": None, "label": text}
    if not math.isfinite(number):
        raise StoreError(f"value is {text!r}; allowed: a finite number, true, false, or a label")
    return {"value": number}
