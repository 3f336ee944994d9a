"""`trailmark`: look at what was recorded. A module of commands each; they share `app` and how the store is opened."""

from __future__ import annotations

import sys

from trailmark_server.cli import costs, looking, serving
from trailmark_server.cli.opening import app
from trailmark_server.store import StoreError

__all__ = ["app", "costs", "looking", "main", "serving"]


def main() -> None:
    """The console script: mistakes of the user are one line, not a traceback."""
    try:
        app()
    except StoreError as error:
        print(f"trailmark: {error}", file=sys.stderr)
        sys.exit(1)
