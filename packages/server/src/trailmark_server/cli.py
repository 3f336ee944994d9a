"""`trailmark`: look at what was recorded."""

from __future__ import annotations

import contextlib
import json
import sys
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from trailmark_server.home import database, default_home, lock
from trailmark_server.ingest.local import LocalIngester
from trailmark_server.serve import AlreadyRunningError
from trailmark_server.serve import serve as run_server
from trailmark_server.store import Reader, Store, StoreError
from trailmark_server.tree import duration, trace_tree

__all__ = ["main"]

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
Home = Annotated[Path | None, typer.Option(help="Where traces are recorded; TRAILMARK_HOME, or ~/.trailmark.")]
Host = Annotated[str, typer.Option(help="A loopback address.")]
Port = Annotated[int | None, typer.Option(help="7171 or the next free one; 0 takes any.", min=0, max=65535)]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
WAIT_S = 3.0


def main() -> None:
    """The console script: mistakes of the user are one line, not a traceback."""
    try:
        app()
    except StoreError as error:
        print(f"trailmark: {error}", file=sys.stderr)
        sys.exit(1)


@app.command()
def ui(home: Home = None, host: Host = "127.0.0.1", port: Port = None) -> None:
    """Open the page on what this machine recorded."""

    def ready(url: str) -> None:
        print(f"trailmark runs at {url} (Ctrl-C ends it)", flush=True)
        webbrowser.open(url)

    try:
        run_server(home or default_home(), host=host, port=port, ready=ready)
    except AlreadyRunningError as error:
        if error.url is None:
            raise
        print(f"trailmark runs at {error.url} already")
        webbrowser.open(error.url)


@app.command()
def serve(home: Home = None, host: Host = "127.0.0.1", port: Port = None) -> None:
    """Serve the page and take traces, without opening a browser."""
    run_server(
        home or default_home(), host=host, port=port, ready=lambda url: print(f"trailmark runs at {url}", flush=True)
    )


@app.command()
def ls(
    project: Annotated[str | None, typer.Option(help="One project only.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """The newest traces."""
    with _reader(home or default_home()) as reader:
        rows = reader.newest(limit, project)
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
    _console().print(table if rows else "No traces yet.")


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
    with _reader(home or default_home()) as reader:
        ids = [row["id"] for row in reversed(reader.newest(1_000_000))] if everything else _found(reader, trace or [])
        for id in ids:
            found = reader.trace(id)
            if as_json:
                print(json.dumps(found, ensure_ascii=False))
            else:
                _console().print(trace_tree(found), soft_wrap=True)


def _found(reader: Reader, given: list[str]) -> list[str]:
    ids: list[str] = []
    for prefix in given:
        matches = reader.find(prefix)
        if len(matches) != 1:
            what = f"{len(matches)} traces begin with" if matches else "no trace begins with"
            raise StoreError(f"{what} {prefix!r}; `trailmark ls` shows their ids")
        ids += matches
    return ids


@contextmanager
def _reader(home: Path) -> Iterator[Reader]:
    """The store with everything that is on disk: taken in by us, or by the server that runs."""
    if not (home / "spool").is_dir() and not database(home).exists():
        raise StoreError(f"nothing was recorded in {home} yet")
    with lock(home) as mine, contextlib.closing(Store(database(home))) as store:
        ingester = LocalIngester(store, home)
        if mine:
            ingester.once()
        deadline = time.monotonic() + WAIT_S
        while not mine and ingester.has_waiting() and time.monotonic() < deadline:
            time.sleep(0.05)
        with store.read() as reader:
            yield reader


def _console() -> Console:
    """As wide as the terminal; into a file or pipe nothing is cut."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 220)


if __name__ == "__main__":
    main()
