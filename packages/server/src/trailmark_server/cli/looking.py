"""Commands that show traces in the terminal."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from trailmark_server.cli.opening import Home, Json, app, console, reader, trace_ids
from trailmark_server.home import default_home
from trailmark_server.store import StoreError
from trailmark_server.tree import duration, trace_tree

__all__ = ["ls", "show"]


@app.command()
def ls(
    project: Annotated[str | None, typer.Option(help="One project only.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """The newest traces."""
    with reader(home or default_home()) as found:
        rows = found.newest(limit, project)
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table(box=None, header_style="dim")
    for name in ("when", "project", "trace", "status", "time", "tokens", "scores", "id"):
        table.add_column(name, no_wrap=name == "id")
    for row in rows:
        when = datetime.fromtimestamp(row["start_us"] / 1e6).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        tokens = str(row["tin"] + row["tout"]) if row["tin"] + row["tout"] else ""
        scores = ", ".join(f"{k}={s['label'] if s['value'] is None else s['value']}" for k, s in row["scores"].items())
        table.add_row(
            when, row["project"], row["name"], row["status"], duration(row["dur_us"]), tokens, scores, row["id"]
        )
    console().print(table if rows else "No traces yet.")


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
