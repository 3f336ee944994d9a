"""`python -m trailmark_server.seed`."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path

from trailmark_server.home import database, default_home, lock
from trailmark_server.seed import seed
from trailmark_server.store import StoreError, open_store

__all__ = ["main"]


def main() -> None:
    """Fill the store of a home on which no server runs."""
    parser = argparse.ArgumentParser(prog="python -m trailmark_server.seed", description="Fill a store with traces.")
    parser.add_argument("--spans", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="the same seed and time give the same traces")
    parser.add_argument("--days", type=float, default=30.0, help="how far back they begin")
    parser.add_argument("--until", type=float, default=None, help="seconds since 1970 of the last one; now")
    parser.add_argument("--home", type=Path, default=None, help="TRAILMARK_HOME, or ~/.trailmark")
    given = parser.parse_args()
    home = given.home or default_home()
    until_us = int((given.until or time.time()) * 1e6)
    try:
        with lock(home) as mine:
            if not mine:
                raise StoreError(f"a server runs on {home}: stop it first")
            with contextlib.closing(open_store(database(home))) as store:
                begun = time.monotonic()
                count = seed(store, given.spans, until_us=until_us, seed=given.seed, days=given.days, progress=_show)
                print(f"\r{count} records in {time.monotonic() - begun:.0f} s: {home}", file=sys.stderr)
    except StoreError as error:
        sys.exit(f"trailmark: {error}")


def _show(count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{count} records", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
