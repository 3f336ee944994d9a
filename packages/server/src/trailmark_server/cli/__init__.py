"""`trailmark`: look at what was recorded. A module of commands each; they share `app` and how a home is opened."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from trailmark_server.cli import changing, costs, doctor, keeping, keys, looking, moving, serving, tailing
from trailmark_server.cli.opening import app
from trailmark_server.query import QueryError
from trailmark_server.store import StoreError

__all__ = ["app", "changing", "costs", "doctor", "keeping", "keys", "looking", "main", "moving", "serving", "tailing"]


def main() -> None:
    """The console script: mistakes of the user are one line, not a traceback."""
    try:
        app()
    except QueryError as error:
        expected = f"; expected: {', '.join(error.expected)}" if error.expected else ""
        print(f"trailmark: in the filter, at {error.start}: {error.message}{expected}", file=sys.stderr)
        sys.exit(2)
    except StoreError as error:
        _stop(str(error))
    except BrokenPipeError:  # whoever reads has enough, as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is not written at the exit
        sys.exit(1)
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _stop(message: str) -> NoReturn:
    print(f"trailmark: {message}", file=sys.stderr)
    sys.exit(1)
