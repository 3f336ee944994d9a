"""`python -m trailmark`: `spool` (what waits here), `config` (what is set), `redact` (what would be masked)."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from trailmark import spool
from trailmark._disk import DiskOutbox, open_outbox
from trailmark._redact import findings
from trailmark._sender import Sender
from trailmark._settings import Settings, load, sources
from trailmark._writer import NoRoomError
from trailmark.errors import ExportError, SettingsError
from trailmark.exporters import connect

__all__ = ["main"]

EVERYTHING = 1 << 40


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when all is well."""
    parser = argparse.ArgumentParser(prog="python -m trailmark", description=__doc__)
    areas = parser.add_subparsers(required=True)
    commands = areas.add_parser("spool", help="what processes recorded and nobody took yet").add_subparsers(
        required=True
    )
    for name, function, text in (
        ("ls", _ls, "what waits, by process"),
        ("flush", _flush, "deliver what dead processes left"),
        ("doctor", _doctor, "check the home, the disk, the spool and the destination"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--home", type=Path, help="TRAILMARK_HOME, or ~/.trailmark")
        command.set_defaults(run=function)
        if name == "flush":
            command.add_argument("--timeout", type=float, default=60.0, help="seconds")
    redact = areas.add_parser("redact", help="show what would be masked in a JSON or text file")
    redact.add_argument("--check", type=Path, required=True, metavar="FILE")
    redact.set_defaults(run=_redact, home=None)
    config = areas.add_parser("config", help="each setting, and where it comes from")
    config.add_argument("--home", type=Path, help="TRAILMARK_HOME, or ~/.trailmark")
    config.set_defaults(run=_config)
    given = parser.parse_args(arguments)
    problems: list[SettingsError] = []

    def tell(error: SettingsError, instead: str) -> None:
        problems.append(error)
        print(f"trailmark: {error}; {instead}", file=sys.stderr)

    settings = load({"home": given.home} if given.home else {}, problem=tell)
    run: Callable[[Settings, argparse.Namespace], int] = given.run
    if problems and run is not _config:
        return 2
    code = run(settings, given)
    return 2 if problems else code


def _redact(settings: Settings, given: argparse.Namespace) -> int:
    """1 when something would be masked."""
    try:
        text = given.check.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        print(f"trailmark: {given.check} cannot be read: {error.strerror}", file=sys.stderr)
        return 2
    try:
        plain = orjson.loads(text)
    except ValueError:
        plain = text
    found = findings(plain, settings.redactor())
    print("\n".join(found) if found else f"nothing in {given.check} would be masked")
    return 1 if found else 0


def _config(settings: Settings, given: argparse.Namespace) -> int:
    """What holds, also where a setting cannot be read; that is said on stderr."""
    came_from = sources({"home": given.home} if given.home else {}, settings.home)
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        shown = "***" if field.name == "api_key" and value else value
        print(f"{field.name:16} {shown!s:40} {came_from.get(field.name, 'default')}")
    return 0


def _ls(settings: Settings, _given: argparse.Namespace) -> int:
    owners: dict[str, list[spool.Segment]] = {}
    for segment in spool.segments(settings.home):
        owners.setdefault(segment.owner, []).append(segment)
    if not owners:
        print(f"nothing waits in {settings.home}")
    for owner, segments in owners.items():
        batches = [spool.read(segment, EVERYTHING) for segment in segments]
        size = sum(segment.path.stat().st_blocks * 512 for segment in segments)
        state = "alive" if segments[0].is_live else "dead"
        damage = sum(batch.damaged for batch in batches)
        print(
            f"pid {owner.split('-')[1]:>8} {state:6}{sum(len(batch.records) for batch in batches):>9} records "
            f"{size / 1e6:8.1f} MB  → {segments[0].destination or 'the local store (trailmark ui)'}"
            + (f"  {damage} bytes damaged" if damage else "")
        )
    return 0


def _flush(settings: Settings, given: argparse.Namespace) -> int:
    """Every destination that dead processes left something for; 1 when something is left in the end."""
    left = 0
    dead = [segment for segment in spool.segments(settings.home) if not segment.is_live]
    if any(not segment.destination for segment in dead):
        print("what is recorded for the local store is taken in by: trailmark ui")
    for destination in sorted({segment.destination for segment in dead if segment.destination}):
        api_key = settings.api_key if destination == settings.url else None
        outbox = open_outbox(settings.home, destination, settings.spool_limit, "off")
        sender = Sender(outbox, lambda url=destination, key=api_key: connect(url, key, settings.workspace))  # type: ignore[misc]
        deadline = time.monotonic() + given.timeout
        outbox.adopt_now()
        sender.wake()
        while outbox.has_backlog() and time.monotonic() < deadline:
            time.sleep(0.02)
        sender.stop(0)
        waiting = _waiting(settings.home, destination)
        outbox.close()
        left += waiting
        print(f"{destination}: " + (f"{waiting} records are left" if waiting else "all delivered"))
    if not dead:
        print(f"nothing to deliver in {settings.home}")
    return 1 if left else 0


def _waiting(home: Path, destination: str) -> int:
    found = [segment for segment in spool.segments(home) if segment.destination == destination]
    return sum(len(spool.read(segment, EVERYTHING).records) for segment in found)


def _doctor(settings: Settings, _given: argparse.Namespace) -> int:
    problems = 0

    def tell(good: bool, text: str) -> None:
        nonlocal problems
        problems += not good
        print(f"{'ok ' if good else 'BAD'} {text}")

    _check_home(settings, tell)
    _check_spool(settings, tell)
    if settings.url is None:
        tell(True, "no TRAILMARK_URL is set: traces wait here for the local store (trailmark ui)")
    else:
        try:
            exporter = connect(settings.url, settings.api_key, settings.workspace)
            tell(True, f"{settings.url} answers; it is spoken to by {type(exporter).__name__}")
            exporter.close()
        except ExportError as error:
            tell(False, str(error))
    return 1 if problems else 0


def _check_home(settings: Settings, tell: Callable[[bool, str], None]) -> None:
    try:
        outbox: DiskOutbox = open_outbox(settings.home, "doctor", settings.spool_limit, "off")
        tell(True, f"{settings.home} is writable; records go there by {outbox.mode}")
        outbox.close()
    except (OSError, NoRoomError) as error:
        tell(False, f"{settings.home} cannot be written: {error}; records wait in memory")
        return
    disk = os.statvfs(settings.home)
    free = disk.f_bavail / disk.f_blocks
    tell(free > 0.05, f"{free:.0%} of the disk is free (the last 5 % are never taken)")


def _check_spool(settings: Settings, tell: Callable[[bool, str], None]) -> None:
    files = list((settings.home / "spool").glob("*.seg"))
    known = {segment.path: segment for segment in spool.segments(settings.home)}
    used = sum(path.stat().st_blocks * 512 for path in files)
    tell(used < 0.9 * settings.spool_limit, f"the spool holds {used / 1e6:.1f} of {settings.spool_limit / 1e6:.0f} MB")
    strange = [path.name for path in files if path not in known]
    tell(not strange, f"{len(strange)} files are no segments, or of a newer trailmark {strange[:3] or ''}".rstrip())
    damaged = sum(spool.read(segment, EVERYTHING, from_start=True).damaged for segment in known.values())
    tell(not damaged, f"{damaged} bytes are damaged and skipped")
    dead = [segment for segment in known.values() if segment.destination and not segment.is_live]
    tell(not dead, f"{len(dead)} segments of dead processes wait to be delivered" + (" (spool flush)" if dead else ""))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
