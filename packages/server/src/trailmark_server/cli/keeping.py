"""Commands that keep a store small and safe."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from trailmark_server.cli.looking import Project
from trailmark_server.cli.opening import Home, app, opened, progress
from trailmark_server.home import database, default_home
from trailmark_server.keys import DEFAULT, check_workspace
from trailmark_server.store import StoreError, open_store
from trailmark_server.store import prune as prune_store

__all__ = ["backup", "prune"]

_UNITS: Final = {"h": 3_600, "d": 86_400, "w": 604_800}
_SIZES: Final = {"MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000}


@app.command()
def prune(
    older_than: Annotated[str | None, typer.Option(help="An age: 12h, 30d, 8w.")] = None,
    max_size: Annotated[str | None, typer.Option(help="The oldest go until the rest takes less: 500MB, 5GB.")] = None,
    project: Project = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    home: Home = None,
) -> None:
    """Erase old traces and give their space back. What `settings` keep a server doing by itself is on the page."""
    before_us = None if older_than is None else time.time_ns() // 1000 - _seconds(older_than) * 1_000_000
    max_bytes = None if max_size is None else _bytes(max_size)
    if before_us is None and max_bytes is None:
        raise StoreError("prune what? Give --older-than or --max-size")
    with opened(home or default_home()) as here:
        if here.url is not None:
            raise StoreError(
                f"a server works on this home ({here.url}): set how long it keeps traces on its page, or stop it"
            )
        if not yes:
            what = " and ".join(
                filter(None, (older_than and f"older than {older_than}", max_size and f"beyond {max_size}"))
            )
            typer.confirm(f"Erase traces {what}{f' of {project}' if project else ''} for good?", abort=True)
        with progress() as bar:
            task = bar.add_task("erasing", total=None)
            count = prune_store(
                here.store, before_us=before_us, max_bytes=max_bytes, project=project,
                progress=lambda done: bar.update(task, completed=done),
            )  # fmt: skip
        size = here.store.disk_bytes()
    print(f"{count} erased; the database takes {size / 1e6:.1f} MB")


@app.command()
def backup(
    file: Annotated[
        Path, typer.Argument(help="The copy: one SQLite file. An existing one is replaced when the new one is whole.")
    ],
    workspace: Annotated[str, typer.Option(help="Whose database; each workspace is one of its own.")] = DEFAULT,
    home: Home = None,
) -> None:
    """Copy the database while it is in use. To restore: put the copy in its place while no server runs."""
    check_workspace(workspace)
    place = home or default_home()
    where = database(place) if workspace == DEFAULT else place / "workspaces" / f"{workspace}.db"
    if not where.exists():
        raise StoreError(f"nothing is stored in {where} yet")
    if file.is_dir():
        raise StoreError(f"{file} is a folder; allowed: the name of a file")
    with contextlib.closing(open_store(where)) as store:
        store.backup(file)
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB, checked")


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)([hdw])", text.strip())
    if not found:
        raise StoreError(f"older-than is {text!r}; allowed: a number with h, d or w, such as 30d")
    return int(found[1]) * _UNITS[found[2]]


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(MB|GB|TB)", text.strip(), re.IGNORECASE)
    if not found:
        raise StoreError(f"max-size is {text!r}; allowed: a number with MB, GB or TB, such as 5GB")
    return int(float(found[1]) * _SIZES[found[2].upper()])
