"""What could go wrong with a home, looked at before it does."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.text import Text
from trailmark import spool

from trailmark_server import __version__
from trailmark_server.cli.opening import Home, Json, app, console
from trailmark_server.home import database, default_home, lock, running_server
from trailmark_server.store import StoreError, open_store, recover

__all__ = ["doctor"]

Verdict = Literal["ok", "warning", "problem"]
Finding = tuple[Verdict, str]
_SHOWN: Final = {"ok": ("ok", "green"), "warning": ("careful", "yellow"), "problem": ("BAD", "bold red")}
_NETWORK: Final = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs")
_BIG: Final = 15_000_000_000
_FREE: Final = 0.05


@app.command()
def doctor(
    home: Home = None,
    as_json: Json = False,
    into: Annotated[
        Path | None, typer.Option("--recover", help="Save what can be read of a damaged database into this new file.")
    ] = None,
) -> None:
    """Check home, database, spool and server; exit code 1 when something is wrong."""
    place = home or default_home()
    if into is not None:
        _recover(place, into, as_json=as_json)
        return
    findings = list(_findings(place))
    if as_json:
        print(json.dumps([{"verdict": verdict, "text": text} for verdict, text in findings], ensure_ascii=False))
    else:
        for verdict, text in findings:
            word, style = _SHOWN[verdict]
            console().print(Text(f"{word:<8}", style=style), Text(text), sep="", soft_wrap=True)
    if any(verdict == "problem" for verdict, _ in findings):
        raise typer.Exit(1)


def _recover(home: Path, into: Path, *, as_json: bool) -> None:
    path = database(home)
    if not path.exists():
        raise StoreError(f"{path} is not there")
    with lock(home) as mine:
        if not mine:
            raise StoreError(f"a server runs on {home}; stop it first")
        saved = recover(path, into)
    if as_json:
        told = [{"table": name, "rows": rows, "whole": whole} for name, (rows, whole) in saved.items()]
        print(json.dumps(told))
        return
    for name, (rows, whole) in saved.items():
        if not whole:
            print(f"{name}: {rows} rows saved, the rest cannot be read", file=sys.stderr)
    print(f"{saved['traces'][0]} traces, {saved['spans'][0]} spans saved in {into}; put it in the place of {path}")


def _findings(home: Path) -> Iterator[Finding]:
    yield "ok", f"trailmark-server {__version__}, Python {sys.version.split()[0]}"
    if not home.exists():
        yield "warning", f"{home} is not there yet: nothing was recorded, or TRAILMARK_HOME points elsewhere"
        return
    checks: tuple[Callable[[Path], Iterator[Finding]], ...] = (_folder, _disk, _database, _spool, _server)
    for look in checks:
        try:
            yield from look(home)
        except OSError as error:
            yield "problem", f"{error.filename or home}: {error.strerror}"


def _folder(home: Path) -> Iterator[Finding]:
    found = home.stat()
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        yield "problem", f"{home} cannot be read and written by this user"
    elif found.st_mode & 0o077:
        yield (
            "warning",
            f"others on this machine can look into {home} (mode {found.st_mode & 0o777:o}); chmod 700 {home}",
        )
    else:
        yield "ok", f"{home} is readable, writable and private"
    if (kind := _file_system(home)) in _NETWORK:
        yield "problem", f"{home} is on a network file system ({kind}), which a database like this must not be on"


def _file_system(path: Path) -> str:
    """Its type by the longest mount point above the path; empty where the system does not tell."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    real = path.resolve()
    above = [(mount[1], mount[2]) for mount in mounts if real.is_relative_to(mount[1].replace("\\040", " "))]
    return max(above, key=lambda mount: len(mount[0]), default=("", ""))[1]


def _disk(home: Path) -> Iterator[Finding]:
    disk = shutil.disk_usage(home)
    free = disk.free / disk.total
    text = f"{free:.0%} of the disk is free ({disk.free / 1e9:.1f} GB)"
    yield ("ok", text) if free > _FREE else ("problem", text + "; recording stops at 5 %")


def _database(home: Path) -> Iterator[Finding]:
    path = database(home)
    if not path.exists():
        yield "ok", "no database yet: the first `trailmark ui` makes it"
        return
    try:
        store = open_store(path)
    except StoreError as error:
        yield "problem", str(error)
        return
    try:
        health = store.health()
        yield ("ok", "the database takes writes") if health.state == "ok" else ("problem", health.detail)
        size = store.disk_bytes()
        text = f"the database takes {size / 1e9:.2f} GB"
        yield ("ok", text) if size < _BIG else ("warning", text + "; `trailmark prune` makes it smaller")
        if health.unindexed:
            yield "ok", f"{health.unindexed} spans wait for the text index"
        with store.read(timeout_s=None) as found:
            damage = found.damage()
        yield ("ok", "the database is whole") if not damage else ("problem", f"the database is damaged: {damage}")
    finally:
        store.close()


def _spool(home: Path) -> Iterator[Finding]:
    segments = [segment for segment in spool.segments(home) if not segment.destination]
    remote = {segment.destination for segment in spool.segments(home) if segment.destination}
    waiting = sum(1 for segment in segments if not segment.is_live)
    yield "ok", f"{len(segments)} spool files of this machine's programs, {waiting} of ended ones"
    if remote:
        yield "ok", f"more wait for {', '.join(sorted(remote))}: python -m trailmark spool ls"


def _server(home: Path) -> Iterator[Finding]:
    url = running_server(home)
    yield "ok", f"a server runs at {url}" if url else "no server runs on this home (trailmark ui starts one)"
