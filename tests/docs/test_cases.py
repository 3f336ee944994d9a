"""The cases in the packages' READMEs are those of their tests: nothing is claimed that is not proven."""

import ast
import re
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[2] / "packages"
TITLE = "## Case by case"
WITH_CASES = [path.parent for path in sorted(PACKAGES.glob("*/README.md")) if TITLE in path.read_text(encoding="utf-8")]


def cases(package):
    """Case, answer and test; and how many rows there are, well written or not."""
    section = (package / "README.md").read_text(encoding="utf-8").partition(TITLE)[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return re.findall(r"^\| ([^|]+) \| ([^|]*) \| (test_\w+) \|$", section, re.MULTILINE), len(rows)


def proofs(package):
    """Those of the package that the fast suite runs and that assert something."""
    for path in (package / "tests").glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                marks = " ".join(ast.unparse(mark) for mark in node.decorator_list)
                calls = {
                    call.func.id
                    for call in ast.walk(node)
                    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
                }
                does = any(isinstance(each, ast.Assert) for each in ast.walk(node)) or "check" in calls
                if does and not re.search(r"mark\.(slow|skip\b|xfail)", marks):
                    yield node.name


def test_the_clients_and_the_chains_have_their_cases():
    assert {"openai", "langchain"} <= {package.name for package in WITH_CASES}


@pytest.mark.parametrize("package", WITH_CASES, ids=lambda package: package.name)
def test_every_case_is_recorded_and_names_a_test_that_runs(package):
    found, rows = cases(package)
    known = set(proofs(package))

    assert {answer for _, answer, _ in found} == {"yes", "untouched"}
    assert [test for _, _, test in found if test not in known] == []
    assert rows == len(found) == len({case for case, _, _ in found})
    assert rows >= 40
