"""The table of cases names tests that there are, and leaves no case out."""

from __future__ import annotations

import re
from pathlib import Path

from .conftest import ROOT

HERE = Path(__file__).parent


def test_every_case_of_the_table_has_tests_that_exist() -> None:
    rows = re.findall(r"^\| (\d+) \|[^|]*\|(.*)\|$", (HERE / "README.md").read_text(), re.MULTILINE)
    known = {
        name
        for folder in (HERE, ROOT / "packages/server/tests")
        for file in folder.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }

    named = {name for _, tests in rows for name in re.findall(r"`(test_\w+)`", tests)}
    assert {int(case) for case, tests in rows if "`test_" in tests} == set(range(1, 31))
    assert named <= known, named - known
