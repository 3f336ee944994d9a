"""Traces in the terminal as they end."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from trailmark_server.cli.looking import Project
from trailmark_server.cli.opening import Home, Json, Opened, app, console, opened
from trailmark_server.home import default_home
from trailmark_server.ingest.local import LocalIngester
from trailmark_server.query import parse
from trailmark_server.tree import trace_tree

__all__ = ["tail"]

POLL_S: Final = 0.25
PAGE: Final = 500


@app.command()
def tail(
    query: Annotated[str, typer.Argument(help="A filter; everything without one.")] = "",
    project: Project = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    tree: Annotated[bool, typer.Option("--tree", help="Each with its spans.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Traces as they end, until Ctrl-C."""
    parse(query)
    place = home or default_home()
    with contextlib.suppress(KeyboardInterrupt), opened(place, make=True) as here, _taking_in(here, place):
        for number, row in enumerate(_ended(here, query, project), 1):
            _print(here, row, as_json=as_json, tree=tree)
            if number == count:
                return


@contextlib.contextmanager
def _taking_in(here: Opened, home: Any) -> Iterator[None]:
    """What programs record meanwhile: a server takes it in, or else we do."""
    if here.url is not None:
        yield
        return
    ingester = LocalIngester(here.store, home)
    ingester.start()
    try:
        yield
    finally:
        ingester.stop()


def _ended(here: Opened, query: str, project: str | None) -> Iterator[dict[str, Any]]:
    """Rows of traces that end from now on, each once."""
    since: dict[str, int] = {}
    told: set[str] = set()
    with here.store.read(timeout_s=None) as found:
        for known in found.activity():
            since[known["name"]] = found.newest_change(known["name"])
    while True:
        fresh: list[dict[str, Any]] = []
        with here.store.read(timeout_s=None) as found:
            for name in [project] if project is not None else [known["name"] for known in found.activity()]:
                page = found.changes(name, since=since.get(name, 0), query=query, limit=PAGE)
                since[name] = page["seq"]
                fresh += [{**row, "project": name} for row in page["upserts"] if row["status"] != "running"]
        for row in sorted(fresh, key=lambda row: row["start_us"]):
            if row["id"] not in told:
                told.add(row["id"])
                yield row
        time.sleep(POLL_S)


def _print(here: Opened, row: dict[str, Any], *, as_json: bool, tree: bool) -> None:
    if as_json:
        print(json.dumps(row, ensure_ascii=False), flush=True)
        return
    with here.store.read(timeout_s=None) as found:
        whole = found.trace(row["id"])
    shown = trace_tree(whole)
    if not tree:
        shown.children = [child for child in shown.children if whole["trace"]["error"] and child is shown.children[-1]]
    when = datetime.fromtimestamp(row["start_us"] / 1e6).astimezone().strftime("%H:%M:%S")
    console().print(when, end=" ")
    console().print(shown, soft_wrap=True)
