"""What the commands share: the application, its options, and a home opened to read and to change."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import httpx2
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from trailmark_server import __version__
from trailmark_server.home import database, lock, running_server
from trailmark_server.ingest.local import LocalIngester
from trailmark_server.ingest.records import check
from trailmark_server.store import Reader, Store, StoreError, open_store

__all__ = ["Home", "Json", "Opened", "app", "console", "opened", "progress", "reader", "trace_ids"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        print(f"trailmark-server {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Which this is.")
    ] = False,
) -> None:
    """Look at what was recorded, and keep it in order."""
    del version


Home = Annotated[Path | None, typer.Option(help="Where traces are recorded; TRAILMARK_HOME, or ~/.trailmark.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
WAIT_S: Final = 3.0
CHUNK: Final = 200  # traces deleted in one transaction: others write in between


@dataclass(frozen=True, slots=True)
class Opened:
    """A home. Changes go to the server that works on it (`url`), or into the store when none does."""

    store: Store
    url: str | None

    def put(self, lines: list[bytes]) -> list[dict[str, Any]]:
        """Store native records; what was refused: `{index, id, field, message}`."""
        if self.url is not None:
            answer = self._ask("POST", "ingest", content=b"\n".join(lines))
            refused: list[dict[str, Any]] = answer.json()["rejected"]
            return refused
        good, bad = check(lines)
        if good:
            self.store.put(good)
        return [rejection.shown() for rejection in bad]

    def delete(self, ids: list[str]) -> None:
        """Traces, for good."""
        for at in range(0, len(ids), CHUNK):
            chunk = ids[at : at + CHUNK]
            if self.url is None:
                self.store.write(lambda writer, chunk=chunk: [writer.delete_trace(id) for id in chunk])  # type: ignore[misc]
            else:
                for id in chunk:
                    self._ask("DELETE", f"traces/{id}")

    def _ask(self, method: str, path: str, content: bytes | None = None) -> httpx2.Response:
        key = os.environ.get("TRAILMARK_API_KEY")
        headers = {"Content-Type": "application/x-ndjson"} | ({"Authorization": key} if key else {})
        try:
            with httpx2.Client(trust_env=False, timeout=60, headers=headers) as http:
                answer = http.request(method, f"{self.url}/api/v1/{path}", content=content)
        except httpx2.HTTPError as error:
            raise StoreError(f"the server at {self.url} does not answer: {type(error).__name__}: {error}") from error
        if not answer.is_success and answer.headers.get("content-type", "").startswith("application/problem"):
            raise StoreError(f"the server at {self.url}: {answer.json().get('detail', answer.status_code)}")
        return answer


@contextmanager
def opened(home: Path, *, make: bool = False) -> Iterator[Opened]:
    """A home with everything that is on disk: taken in by us, or by the server that runs; `make`: a new one will do."""
    if not make and not (home / "spool").is_dir() and not database(home).exists():
        raise StoreError(f"nothing was recorded in {home} yet")
    with lock(home) as mine, contextlib.closing(open_store(database(home))) as store:
        ingester = LocalIngester(store, home)
        if mine:
            ingester.once()
            yield Opened(store, None)
            return
        deadline = time.monotonic() + WAIT_S
        while ingester.has_waiting() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield Opened(store, running_server(home))


@contextmanager
def reader(home: Path) -> Iterator[Reader]:
    """What is in a home, at one moment."""
    with opened(home) as place, place.store.read(timeout_s=None) as found:
        yield found


def console() -> Console:
    """As wide as the terminal; into a file or pipe nothing is cut."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 220)


def progress() -> Progress:
    """A bar on stderr, where a person sees it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


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
