"""The cases of a package's README are those of its tests: nothing is claimed that is not proven."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AT_LEAST = {"openai": 45, "langchain": 65, "fastapi": 55, "httpx": 38}
ANSWERS = {"yes", "yes, slow", "untouched"}


def section(package: str) -> str:
    return (ROOT / "packages" / package / "README.md").read_text(encoding="utf-8").partition("## Case by case")[2]


def cases(package: str) -> list[tuple[str, ...]]:
    return re.findall(r"^\| ([^|]+) \| ([^|]+) \| (test_\w+) \|$", section(package), re.MULTILINE)


def proofs(*, slow: bool) -> Iterator[str]:
    """Tests that run, and that assert something."""
    for path in ROOT.glob("packages/*/tests/**/test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                marks = " ".join(ast.unparse(mark) for mark in node.decorator_list)
                does = any(isinstance(each, ast.Assert) for each in ast.walk(node)) or "pytest.raises" in ast.unparse(
                    node
                )
                if does and not re.search(r"mark\.(skip|xfail)\b", marks) and ("mark.slow" in marks) is slow:
                    yield node.name


@pytest.mark.parametrize("package", AT_LEAST)
def test_every_case_names_a_test_that_runs(package: str) -> None:
    fast, slow = set(proofs(slow=False)), set(proofs(slow=True))
    found = cases(package)

    assert {answer for _, answer, _ in found} <= ANSWERS
    assert [test for _, answer, test in found if test not in (slow if "slow" in answer else fast)] == []


@pytest.mark.parametrize("package", AT_LEAST)
def test_no_case_is_lost(package: str) -> None:
    rows = [line for line in section(package).splitlines() if line.startswith("| ")][1:]

    assert len(rows) == len(cases(package)) == len({case for case, _, _ in cases(package)})
    assert len(rows) >= AT_LEAST[package]
