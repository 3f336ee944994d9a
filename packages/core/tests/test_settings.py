"""Where settings come from, and what a bad one says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trailmark
from trailmark.instrumentation import start_span
from trailmark.testing import record_trail

PROGRAM = """
import trailmark
@trailmark.track
def f(x): return x
assert f(1) == 1
print(trailmark.stats())
"""


def run(home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("TRAILMARK_", "OPIK_"))}
    env = {**clean, "TRAILMARK_HOME": str(home), **environ}
    return subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"url": "not a url"}, "url is 'not a url'; allowed: an http:// or https:// address"),
        ({"sample_rate": 2}, "sample_rate is 2; allowed: a number from 0 to 1"),
        ({"colour": "red"}, "unknown setting colour; known: url, api_key"),
        ({"quiet": "perhaps"}, "quiet is 'perhaps'; allowed: true or false"),
        ({"spool_max_bytes": 10}, "spool_max_bytes is 10; allowed: a whole number of bytes"),
    ],
)
def test_a_bad_setting_is_named_with_what_is_allowed(home: Path, setting: dict[str, object], message: str) -> None:
    with pytest.raises(trailmark.TrailmarkError, match=message):
        trailmark.configure(**setting)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TRAILMARK_SAMPLE_RATE", "lots", "TRAILMARK_SAMPLE_RATE is 'lots'; allowed: a number from 0 to 1"),
        ("TRAILMARK_COLOUR", "red", "unknown setting TRAILMARK_COLOUR; known: TRAILMARK_URL"),
        ("TRAILMARK_URL", "localhost:7171", "TRAILMARK_URL is 'localhost:7171'; allowed: an http://"),
    ],
)
def test_a_bad_environment_is_said_once_and_the_program_runs(
    tmp_path: Path, name: str, value: str, message: str
) -> None:
    done = run(tmp_path, **{name: value})
    assert done.stderr.count(message) == 1
    assert "'recorded': 2" in done.stdout


def test_the_file_in_the_home_is_the_last_source(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('project_name = "from file"\n')
    assert "'from file'" in run(tmp_path).stderr
    assert "'from env'" in run(tmp_path, OPIK_PROJECT_NAME="from env").stderr


def test_an_unwritable_home_means_memory_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file" / "home")
    assert "'mode': 'memory'" in done.stdout
    assert done.stderr.count("cannot write to") == 1


def test_tracing_can_be_disabled_from_outside(tmp_path: Path) -> None:
    for name in ("TRAILMARK_TRACK_DISABLE", "OPIK_TRACK_DISABLE"):
        done = run(tmp_path, **{name: "true"})
        assert "'recorded': 0" in done.stdout
        assert not done.stderr
    assert not list(tmp_path.iterdir())


def test_the_first_trace_says_where_it_goes_once(tmp_path: Path) -> None:
    assert run(tmp_path).stderr == f"trailmark: project 'Default Project' → {tmp_path}; look with: trailmark ui\n"
    assert not run(tmp_path, TRAILMARK_QUIET="true").stderr


def test_a_key_is_never_shown(home: Path) -> None:
    with pytest.raises(trailmark.TrailmarkError) as raised:
        trailmark.configure(api_key=["s3cret"])
    assert "s3cret" not in str(raised.value)


def test_the_config_command_tells_each_setting_and_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('project_name = "from file"\nrelease = "1"\nsample_rate = 0.5\n')
    given = {
        "TRAILMARK_SAMPLE_RATE": "0.25",
        "OPIK_API_KEY": "s3cret",
        "OPIK_WORKSPACE": "a",
        "TRAILMARK_WORKSPACE": "b",
    }
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("TRAILMARK_", "OPIK_"))}
    done = subprocess.run(
        [sys.executable, "-m", "trailmark", "config", "--home", str(tmp_path)],
        env=clean | given, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines()}
    parts = {name: text.rsplit(maxsplit=1) for name, text in told.items()}
    assert [part.strip() for part in parts["project_name"]] == ["from file", "config.toml"]
    assert [part.strip() for part in parts["sample_rate"]] == ["0.25", "TRAILMARK_SAMPLE_RATE"]
    assert [part.strip() for part in parts["workspace"]] == ["b", "TRAILMARK_WORKSPACE"]
    assert [part.strip() for part in parts["api_key"]] == ["***", "OPIK_API_KEY"]
    assert [part.strip() for part in parts["home"]] == [str(tmp_path), "argument"]
    assert [part.strip() for part in parts["fsync"]] == ["interval", "default"]
    assert "s3cret" not in done.stdout


def test_the_capture_settings_hold_for_what_integrations_see_not_for_what_is_given_by_hand() -> None:
    with record_trail(capture_input=False, capture_output=False) as trail:
        seen = start_span("seen", input="asked", metadata={"kept": True})
        assert seen is not None
        seen.observe(input="asked again", output="answered", model="m-1")
        seen.end(output="answered")

        with trailmark.trace("given", input="by hand") as block:
            block.update(output="by hand")
            trailmark.update_current_trace(input="by hand")
            tracked("asked")
            list(streamed("asked"))

    assert {"input", "output"}.isdisjoint({key for name in ("seen", "tracked", "streamed") for key in trail.span(name)})
    assert (trail.span("seen")["model"], trail.span("seen")["metadata"]) == ("m-1", {"kept": True})
    given = trail.span("given")
    assert (given["input"], given["output"], given["trace"]["input"]) == ("by hand", "by hand", "by hand")


@trailmark.track
def tracked(text: str) -> str:
    return text


@trailmark.track
def streamed(text: str) -> Iterator[str]:
    yield text
