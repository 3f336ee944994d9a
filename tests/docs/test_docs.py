"""The blocks of READMEs and docs, and the examples, run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from trailmark import spool

ROOT = Path(__file__).resolve().parents[2]
READMES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "packages").glob("*/README.md"))]
ROOTS = {  # of the examples of LangChain: a trace each, and nothing beside it
    "langchain_rag.py": ["answer"],
    "langchain_agent.py": ["langchain-agent"],
    "langgraph_interrupt.py": ["order", "order"],
    "langchain_web.py": ["GET /chat"],
}
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.py") if path.name != "stand_in.py")


def run(program: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("TRAILMARK_", "OPIK_", "OPENAI_"))}
    warnings = "error"
    if "llama_index" in program[-1]:  # uses pydantic's old names, and leaves its chat memory open
        warnings += ",ignore::DeprecationWarning,ignore::ResourceWarning"
    env |= {"TRAILMARK_HOME": str(home), "PYTHONWARNINGS": warnings, "PYTHONPATH": str(ROOT / "examples")}
    return subprocess.run(program, env=env, capture_output=True, text=True, timeout=60, check=False, cwd=home)


def blocks() -> list[tuple[str, str]]:
    found = []
    for readme in READMES:
        for n, code in enumerate(re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)):
            found.append((f"{readme.relative_to(ROOT)}-{n}", code))
    return found


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in blocks()])
def test_a_block_of_a_readme_runs(code: str, tmp_path: Path) -> None:
    stand_in = "import stand_in; stand_in.use()\n" if "openai" in code else ""
    done = run([sys.executable, "-c", stand_in + code], tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_is_short_and_nested(example: Path, tmp_path: Path) -> None:
    done = run([sys.executable, str(example)], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") <= 1, "more than the one line about where traces go"
    assert len(example.read_text(encoding="utf-8").splitlines()) <= 60
    spans = spans_in(tmp_path)
    ids = {span["id"]: span["trace_id"] for span in spans}
    assert all(ids[span["parent_id"]] == span["trace_id"] for span in spans if span["parent_id"] is not None)
    assert "running" not in {span["status"] for span in spans}
    if example.name in ROOTS:
        assert [span["name"] for span in spans if span["parent_id"] is None] == ROOTS[example.name]


def spans_in(home: Path) -> list[dict[str, Any]]:
    """The last record of each span in the spool."""
    records = [record for segment in spool.segments(home) for record in map(json.loads, spool.read(segment).records)]
    spans = {one["id"]: one for one in sorted(records, key=lambda one: one["ver"]) if one["k"] == "span"}
    return sorted(spans.values(), key=lambda span: span["start_us"])


def test_every_make_target_is_documented() -> None:
    listed = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ["setup", "demo", "test", "check", "fix", "bench", "test-alone", "test-oldest", "ui", "build"]:
        assert f"make {target} " in listed.stdout


def test_links_in_the_documents_lead_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/*/README.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if not target.startswith(("http://", "https://")):
                assert (document.parent / target).exists(), f"{document.relative_to(ROOT)} links to {target}"
