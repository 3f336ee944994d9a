"""The README's cases are those of the tests: nothing is claimed that is not proven."""

import ast
import re
from pathlib import Path

from trailmark.testing import integration_contract

HERE = Path(__file__).parent
README = (HERE.parent / "README.md").read_text(encoding="utf-8")
CASES = re.findall(r"^\| ([^|]+) \| (test_\w+) \|$", README, re.MULTILINE)


def test_every_case_names_a_test_that_asserts():
    proofs = set()
    for path in (*HERE.glob("test_*.py"), Path(integration_contract.__file__)):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(isinstance(each, ast.Assert) for each in ast.walk(node)):
                proofs.add(node.name)

    assert [test for _, test in CASES if test not in proofs] == []
    assert len(CASES) == len({case for case, _ in CASES}) >= 45
