"""Commands that show traces in the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from trailmark_server.cli.opening import Home, Json, app, console, reader, trace_ids
from trailmark_server.home import default_home
from trailmark_server.store import Reader, StoreError
from trailmark_server.tree import duration, trace_tree

__all__ = ["Project", "ls", "matching", "search", "show", "trace_table"]

Project = Annotated[str | None, typer.Option(help="One project only.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
PAGE = 500


@app.command()
def ls(project: Project = None, limit: Limit = 50, home: Home = None, as_json: Json = False) -> None:
    """The newest traces."""
    with reader(home or default_home()) as found:
        rows = found.newest(limit, project)
    _tell(rows, trace_table(rows), as_json, "No traces yet.")


@app.command()
def search(
    query: Annotated[str, typer.Argument(help='A filter: status:error duration>2s model:gpt* "refund"')],
    project: Project = None,
    spans: Annotated[bool, typer.Option("--spans", help="Spans rather than traces.")] = False,
    limit: Limit = 50,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Traces or spans that a filter finds, newest first (docs/filters.md)."""
    with reader(home or default_home()) as found:
        rows = matching(found, query, project, limit, spans=spans)
    _tell(rows, _span_table(rows) if spans else trace_table(rows), as_json, "Nothing found.")


@app.command()
def show(
    trace: Annotated[list[str] | None, typer.Argument(help="Ids, their beginnings, or `last`.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every trace.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Traces as trees: names, durations, tokens, cost, scores, errors."""
    if not trace and not everything:
        raise StoreError("show what? Give trace ids, `last`, or --all")
    with reader(home or default_home()) as found:
        ids = [row["id"] for row in reversed(found.newest(1_000_000))] if everything else trace_ids(found, trace or [])
        for id in ids:
            whole = found.trace(id)
            if as_json:
                print(json.dumps(whole, ensure_ascii=False))
            else:
                console().print(trace_tree(whole), soft_wrap=True)


def matching(
    found: Reader, query: str, project: str | None, limit: int | None, *, spans: bool = False
) -> list[dict[str, Any]]:
    """Rows of one project or all, newest first; each row names its `project`."""
    pages = found.span_rows if spans else found.trace_rows
    names = [project] if project is not None else [known["name"] for known in found.activity()]
    rows: list[dict[str, Any]] = []
    for name in names:
        cursor, taken = None, 0
        while limit is None or taken < limit:
            size = PAGE if limit is None else min(PAGE, limit - taken)
            page = pages(name, query=query, limit=size, cursor=cursor)
            rows += [{**row, "project": name} for row in page["rows"]]
            taken, cursor = taken + len(page["rows"]), page["next"]
            if cursor is None:
                break
    rows.sort(key=lambda row: (row["start_us"], row["id"]), reverse=True)
    return rows[:limit]


def trace_table(rows: Iterable[dict[str, Any]]) -> Table:
    """A line each."""
    table = _table("when", "project", "trace", "status", "time", "tokens", "scores", "id")
    for row in rows:
        scores = ", ".join(f"{k}={s['label'] if s['value'] is None else s['value']}" for k, s in row["scores"].items())
        _add(table, row, row["project"], row["name"], row["status"], duration(row["dur_us"]), _tokens(row), scores)
    return table


def _span_table(rows: Iterable[dict[str, Any]]) -> Table:
    table = _table("when", "project", "span", "type", "status", "time", "tokens", "model", "trace", "id")
    for row in rows:
        shown = (row["name"], row["type"], row["status"], duration(row["dur_us"]), _tokens(row), row["model"] or "")
        _add(table, row, row["project"], *shown, row["trace_id"])
    return table


def _table(*names: str) -> Table:
    table = Table(box=None, header_style="dim")
    for name in names:
        table.add_column(name, no_wrap=name in ("id", "when"))
    return table


def _add(table: Table, row: dict[str, Any], *cells: str) -> None:
    when = datetime.fromtimestamp(row["start_us"] / 1e6).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    table.add_row(*(Text(cell) for cell in (when, *cells, row["id"])))  # a name with brackets is no markup


def _tokens(row: dict[str, Any]) -> str:
    total = (row["tin"] or 0) + (row["tout"] or 0)
    return str(total) if total else ""


def _tell(rows: list[dict[str, Any]], table: Table, as_json: bool, nothing: str) -> None:
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        console().print(table if rows else nothing)
