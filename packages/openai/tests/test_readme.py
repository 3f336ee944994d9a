"""The README's cases are those of the tests: nothing is claimed that is not proven."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
README = (HERE.parent / "README.md").read_text(encoding="utf-8")
CASES = re.findall(r"^\| ([^|]+) \| (yes|untouched|[^|]*) \| (test_\w+) \|$", README, re.MULTILINE)


def proofs():
    """Those of this package that the fast suite runs and that assert something."""
    for path in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                marks = " ".join(ast.unparse(mark) for mark in node.decorator_list)
                does = any(isinstance(each, ast.Assert) for each in ast.walk(node))
                if does and not re.search(r"mark\.(slow|skip|xfail)", marks):
                    yield node.name


def test_every_case_is_recorded_and_names_a_test_that_runs():
    known = set(proofs())

    assert {answer for _, answer, _ in CASES} == {"yes", "untouched"}
    assert [test for _, _, test in CASES if test not in known] == []


def test_no_case_is_lost():
    section = README.partition("## Case by case")[2]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]

    assert len(rows) == len(CASES) == len({case for case, _, _ in CASES})
    assert len(rows) >= 45
