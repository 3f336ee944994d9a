"""The commands that the documents tell people to run are there, with the options they name; the tour of them runs."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
from trailmark.__main__ import main as core_main
from trailmark_server.cli import app
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("docs/*.md"), ROOT / "README.md", *ROOT.glob("packages/*/README.md")]
STAND_INS = {"…": "x", "FILE": "f", "NAME": "n"}
TOUR = (ROOT / "packages/server/README.md").read_text(encoding="utf-8")


def told() -> list[str]:
    """Each `trailmark …` of an inline code or a block, without what a shell does with it."""
    found = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [
            line
            for block in re.findall(r"```(?:sh|console|bash)?\n(.*?)```", text, re.DOTALL)
            for line in block.splitlines()
        ]
        for line in [*lines, *re.findall(r"`([^`\n]+)`", text)]:
            if re.match(r"(\$ )?trailmark [a-z]", line):
                found.add(line.partition("  #")[0].partition(" | ")[0].removeprefix("$ ").strip())
    return sorted(found)


def is_choice(command: str) -> bool:
    """`keys create|ls|revoke` names several at once."""
    return "|" in command or "[" in command


@pytest.mark.parametrize("command", [one for one in told() if not is_choice(one)])
def test_a_command_of_the_documents_is_understood(command: str) -> None:
    words = [STAND_INS.get(word, word) for word in shlex.split(command, comments=True)[1:]]
    found: Any = typer.main.get_command(app)
    while hasattr(found, "commands"):
        assert words[0] in found.commands, command
        found = found.commands[words.pop(0)]
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= {
        name for one in found.params for name in one.opts
    } | {"--help"}


def test_the_tour_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it begins with runs until it is ended, and is run by every end-to-end test."""
    monkeypatch.setenv("TRAILMARK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    record = {"k": "span", "id": "01890000-0000-7000-8000-000000000001", "ver": 2, "project": "p", "name": "answer",
              "trace_id": "01890000-0000-7000-8000-000000000002", "parent_id": None, "type": "general", "status": "ok",
              "start_us": 1_800_000_000_000_000, "end_us": 1_800_000_000_001_000}  # fmt: skip
    Path("given.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    block = TOUR.partition("```\n")[2].partition("```")[0].splitlines()
    commands = [line for line in block if re.match(r"trailmark (?!ui|serve|tail)", line)]
    assert len(commands) >= 10
    for command in ["trailmark import given.jsonl", *commands]:
        done = CliRunner().invoke(app, shlex.split(command, comments=True)[1:], input="y\n")
        assert done.exit_code == 0, (command, done.output, done.exception)
    assert Path("copy.db").exists()
    assert len(Path("out.jsonl").read_text(encoding="utf-8").splitlines()) >= 1


def test_what_would_be_masked_is_told_as_the_documents_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "python -m trailmark redact --check FILE" in (ROOT / "docs/redaction.md").read_text(encoding="utf-8")
    (tmp_path / "f.json").write_text('{"password": "hunter2", "city": "Paris"}', encoding="utf-8")
    core_main(["redact", "--check", str(tmp_path / "f.json")])
    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    assert "password" in shown
