"""The page's types are those of the server's routes."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from ui_types import SCHEMA, digest


def test_the_page_was_typed_by_the_routes_as_they_are() -> None:
    told = SCHEMA.read_text().partition("\n")[0].rpartition(" ")[2]

    assert told == digest(), "the routes changed: make ui-types"
