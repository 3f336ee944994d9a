"""Commands about what calls cost."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict

from rich.progress import Progress

from trailmark_server.cli.opening import Home, Json, app, console
from trailmark_server.home import database, default_home, lock, running_server
from trailmark_server.store import Repriced, Store, StoreError, open_store
from trailmark_server.store import reprice as reprice_store

__all__ = ["reprice"]


@app.command()
def reprice(home: Home = None, as_json: Json = False) -> None:
    """Calculate costs anew, at the prices known now; what a program told of its costs itself stays."""
    where = home or default_home()
    if not database(where).exists():
        raise StoreError(f"nothing is stored in {where} yet")
    with lock(where) as mine:
        if not mine:
            raise StoreError(f"a server runs on {where} ({running_server(where) or 'starting'}); stop it first")
        with contextlib.closing(open_store(database(where))) as store:
            found = _repriced(store, quiet=as_json)
    if as_json:
        print(json.dumps(asdict(found)))
    else:
        sums = f"${found.before:,.4f} before, ${found.after:,.4f} now"
        console().print(f"{found.changed} of {found.seen} calls cost something else: {sums}")


def _repriced(store: Store, *, quiet: bool) -> Repriced:
    with Progress(console=console(), transient=True, disable=quiet or not sys.stdout.isatty()) as shown:
        task = shown.add_task("calculating")
        return reprice_store(store, lambda done, total: shown.update(task, completed=done, total=total))
