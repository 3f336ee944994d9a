"""`python -m trailmark_server.api.schema`: the OpenAPI document, without a server."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

from trailmark_server.api.app import create_app
from trailmark_server.store import open_store

__all__ = ["document"]


def document() -> dict[str, Any]:
    """Of every route that is not the page's own or Opik's."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "trailmark.db")
        try:
            return create_app(store, Path(folder)).openapi()
        finally:
            store.close()


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(document(), option=orjson.OPT_INDENT_2) + b"\n")
