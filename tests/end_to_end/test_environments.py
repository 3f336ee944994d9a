"""Every integration in an environment of its own: with nothing but what it asks for, oldest and newest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        ("openai", "--oldest"),
        ("openai", "--with", "openai==1.92"),  # attempts are seen in other places than before and after
        ("openai", "--with", "openai<3"),  # 3, built on httpx2, is in the environment of all other tests
        ("langchain", "--oldest"),
        ("llama-index",),  # with its OpenAI models, which want openai 2
        ("llama-index", "--oldest"),
        ("fastapi", "--oldest"),
    ],
    ids=" ".join,
)
def test_a_package_passes_its_tests_alone(given: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/test_package.py", *given], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
