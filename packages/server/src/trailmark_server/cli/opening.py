"""What the commands share: the application, its options, and the store of a home with everything that is on disk."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from trailmark_server.home import database, lock
from trailmark_server.ingest.local import LocalIngester
from trailmark_server.store import Reader, StoreError, open_store

__all__ = ["Home", "Json", "app", "console", "reader", "trace_ids"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Look at what was recorded.",
)
Home = Annotated[Path | None, typer.Option(help="Where traces are recorded; TRAILMARK_HOME, or ~/.trailmark.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
WAIT_S: Final = 3.0


@contextmanager
def reader(home: Path) -> Iterator[Reader]:
    """The store with everything that is on disk: taken in by us, or by the server that runs."""
    if not (home / "spool").is_dir() and not database(home).exists():
        raise StoreError(f"nothing was recorded in {home} yet")
    with lock(home) as mine, contextlib.closing(open_store(database(home))) as store:
        ingester = LocalIngester(store, home)
        if mine:
            ingester.once()
        deadline = time.monotonic() + WAIT_S
        while not mine and ingester.has_waiting() and time.monotonic() < deadline:
            time.sleep(0.05)
        with store.read() as reader:
            yield reader


def console() -> Console:
    """As wide as the terminal; into a file or pipe nothing is cut."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 220)


def trace_ids(found: Reader, given: list[str]) -> list[str]:
    """The one trace each of the given beginnings (or `last`) stands for. StoreError when it is none or several."""
    ids: list[str] = []
    for prefix in given:
        matches = found.find(prefix)
        if len(matches) != 1:
            what = f"{len(matches)} traces begin with" if matches else "no trace begins with"
            raise StoreError(f"{what} {prefix!r}; `trailmark ls` shows their ids")
        ids += matches
    return ids
