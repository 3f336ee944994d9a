"""Programs do the same bare, traced, and traced with a dead back end."""

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

PROGRAM = Path(__file__).parent / "programs" / "corpus.py"


def outcomes(mode: str, **env: str) -> dict[str, Any]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("TRAILMARK_", "OPIK_"))}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), mode], env=clean | env, capture_output=True, text=True, timeout=280, check=True
    )
    said = re.compile(r"^trailmark: .*\n|0x[0-9a-f]+", re.MULTILINE)  # our own line on stderr; addresses differ anyway
    return {
        name: (said.sub("", written), status) for name, written, status in map(json.loads, done.stdout.splitlines())
    }


@pytest.mark.slow
@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9"], ids=["local", "dead back end"])
def test_a_program_does_the_same_with_and_without_tracing(url: str, tmp_path: Path) -> None:
    bare = outcomes("bare")
    settings = {"TRAILMARK_HOME": str(tmp_path), "TRAILMARK_QUIET": "true", "TRAILMARK_FLUSH_TIMEOUT": "0.05"}
    traced = outcomes("traced", **settings, **({"TRAILMARK_URL": url} if url else {}))
    assert len(bare) >= 100
    assert {status for _, status in bare.values()} == {0, 1, 3}
    different = {name: (bare[name], traced[name]) for name in bare if bare[name] != traced[name]}
    assert not different
    recorded = [
        record for segment in spool.segments(tmp_path) for record in spool.read(segment, from_start=True).records
    ]
    assert len(recorded) >= 2 * len(bare)
