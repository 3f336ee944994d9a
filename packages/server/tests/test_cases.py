"""cases.md: every test it names is there."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
FOLDERS = (HERE, HERE.parents[2] / "tests" / "end_to_end")


def test_every_test_of_the_table_is_there() -> None:
    named = re.findall(r"`(test_\w+)`", (HERE / "cases.md").read_text(encoding="utf-8"))
    sources = "".join(path.read_text(encoding="utf-8") for folder in FOLDERS for path in folder.glob("test_*.py"))
    there = set(re.findall(r"^def (test_\w+)\(", sources, re.MULTILINE))

    assert len(named) > 50
    assert [name for name in named if name not in there] == []
