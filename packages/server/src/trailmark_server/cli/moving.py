"""Commands that take traces out of a store and into one."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, Final, Literal

import orjson
import typer

from trailmark_server.cli.looking import Project, matching
from trailmark_server.cli.opening import Home, Opened, app, opened, progress
from trailmark_server.cli.tables import SPAN_COLUMNS, TRACE_COLUMNS, span_row, trace_row, write_csv, write_parquet
from trailmark_server.home import default_home
from trailmark_server.store import Reader, Store, StoreError

__all__ = ["export", "import_"]

_LINES: Final = 500
_SHOWN: Final = 20
Format = Literal["jsonl", "csv", "parquet"]


@app.command()
def export(
    path: Annotated[Path, typer.Argument(help="A file; - is the terminal or pipe.")] = Path("-"),
    format: Annotated[Format, typer.Option(help="jsonl is whole, and `trailmark import` takes it back.")] = "jsonl",
    query: Annotated[str, typer.Option(help="Only what this filter finds.")] = "",
    project: Project = None,
    spans: Annotated[bool, typer.Option("--spans", help="A row a span rather than a trace (csv, parquet).")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="csv: no ' before what a spreadsheet would run.")] = False,
    home: Home = None,
) -> None:
    """Traces as native records (jsonl), or as a table (csv, parquet)."""
    if spans and format == "jsonl":
        raise StoreError("--spans goes with --format csv or parquet; jsonl has the spans of every trace anyway")
    columns = SPAN_COLUMNS if spans else TRACE_COLUMNS
    with opened(home or default_home()) as here:
        with here.store.read(timeout_s=None) as found:
            rows = matching(found, query, project, None, spans=spans)
        items = _each(here.store, list(reversed(rows)), spans=spans, as_records=format == "jsonl")
        with _written(path) as file:
            if format == "jsonl":
                file.writelines(orjson.dumps(item) + b"\n" for item in items)
            elif format == "csv":
                with _as_text(file) as text:
                    write_csv(text, items, columns, guard=not raw)
            else:
                write_parquet(file, items, columns)
    if path != Path("-"):
        print(f"{len(rows)} {'spans' if spans else 'traces'} written to {path}", file=sys.stderr)


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Files that `export` wrote, .gz too; - reads from a pipe.")],
    home: Home = None,
) -> None:
    """Native records, a line each, into the store. What is there already stays as it is."""
    taken = refused = 0
    with opened(home or default_home(), make=True) as here:
        for path in files:
            for some, bad in _put(here, path):
                taken += some - len(bad)
                refused += len(bad)
                for number, message in bad[: max(0, _SHOWN - refused + len(bad))]:
                    print(f"{path}:{number}: {message}", file=sys.stderr)
    print(f"{taken} records taken" + (f", {refused} refused" if refused else ""))
    if refused:
        raise typer.Exit(1)


def _each(store: Store, rows: list[dict[str, Any]], *, spans: bool, as_records: bool) -> Iterator[dict[str, Any]]:
    """A short reading for each, so that a slow disk does not hold the log of the database."""
    with progress() as bar:
        for row in bar.track(rows, description="exporting"):
            with store.read(timeout_s=None) as found:
                yield from _items(found, row, spans=spans, as_records=as_records)


def _items(found: Reader, row: dict[str, Any], *, spans: bool, as_records: bool) -> Iterable[dict[str, Any]]:
    if as_records:
        return list(found.records(row["id"]))
    return [span_row(found, row["trace_id"], row["id"]) if spans else trace_row(found, row["id"])]


def _put(here: Opened, path: Path) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """How many lines were sent, and which of them were refused, with why."""
    with _read(path) as file, progress() as bar:
        task = bar.add_task(str(path), total=None)
        first, lines = 1, []
        for number, line in enumerate(file, 1):
            lines.append(line)
            if len(lines) == _LINES:
                yield _sent(here, first, lines)
                bar.advance(task, len(lines))
                first, lines = number + 1, []
        yield _sent(here, first, lines)


def _sent(here: Opened, first: int, lines: list[bytes]) -> tuple[int, list[tuple[int, str]]]:
    places = [(first + n, line) for n, line in enumerate(lines) if line.strip()]
    bad = here.put([line for _, line in places]) if places else []
    return len(places), [(places[item["index"]][0], f"{item['field']}: {item['message']}") for item in bad]


@contextmanager
def _read(path: Path) -> Iterator[IO[bytes]]:
    if path == Path("-"):
        yield sys.stdin.buffer
        return
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield file  # type: ignore[misc]
    except (OSError, EOFError) as error:
        raise StoreError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


@contextmanager
def _written(path: Path) -> Iterator[IO[bytes]]:
    """Whole or not at all, and for its owner's eyes."""
    if path == Path("-"):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fd = os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            yield file
        beside.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _as_text(file: IO[bytes]) -> Iterator[IO[str]]:
    import io

    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        yield text
    finally:
        text.detach()
