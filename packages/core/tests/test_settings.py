"""Where settings come from, and what a bad one says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trailmark
from trailmark import _settings as settings
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


def config(home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("TRAILMARK_", "OPIK_"))}
    command = [sys.executable, "-m", "trailmark", "config", "--home", str(home)]
    return subprocess.run(command, env=clean | environ, capture_output=True, text=True, check=False)


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


CAPTURES = ("capture_input", "capture_output", "capture_media")


@pytest.mark.parametrize("setting", CAPTURES)
def test_a_capture_setting_that_cannot_be_read_records_nothing_of_that_kind(tmp_path: Path, setting: str) -> None:
    (tmp_path / "config.toml").write_text(f"{setting} = true\n")  # further down: does not open it again
    name = f"TRAILMARK_{setting.upper()}"
    done = run(tmp_path, **{name: "perhaps"})
    told = f"{name} is 'perhaps'; allowed: true or false; false is used"
    assert (done.stderr.count(told), "'recorded': 2" in done.stdout) == (1, True)

    shown = config(tmp_path, **{name: "perhaps"})
    assert (shown.returncode, told in shown.stderr) == (2, True)
    assert [line.split() for line in shown.stdout.splitlines() if line.startswith(f"{setting} ")] == [
        [setting, "False", name]
    ]
    assert settings.load({}, {name: "perhaps"}, problem=lambda *_: None) == settings.load({setting: False}, {})


def test_a_switch_that_cannot_be_read_does_not_record_or_show_more(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("redact = false\n")
    environ = {"TRAILMARK_TRACK_DISABLE": "please", "TRAILMARK_REDACT": "maybe", "TRAILMARK_HOME": str(tmp_path)}
    found = settings.load({}, environ, problem=lambda *_: None)

    assert (found.track_disable, found.redact) == (True, True)


@pytest.mark.parametrize("content", [b"capture_input = \n", b"\xff\xfe", None])
def test_while_the_file_cannot_be_read_no_values_are_recorded(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "config.toml"
    file.mkdir() if content is None else file.write_bytes(content)
    done = run(tmp_path)
    assert done.stderr.count("inputs, outputs and media are not recorded") == 1
    assert "'recorded': 2" in done.stdout
    found = settings.load({}, {"TRAILMARK_HOME": str(tmp_path)}, problem=lambda *_: None)

    assert {getattr(found, name) for name in CAPTURES} == {False}


def test_what_is_wrong_outside_of_the_code_does_not_stop_who_makes_a_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRAILMARK_SAMPLE_RATE", "some of them")
    (tmp_path / "config.toml").write_text("quiet = 'now and then'\n")
    trailmark.Client(home=tmp_path).close()

    assert capfd.readouterr().err.count("the default is used") == 2


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
    done = config(tmp_path, **given)
    assert done.returncode == 0
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


def test_without_outputs_an_error_keeps_its_type_and_places_and_no_message() -> None:
    def fails(text: str) -> None:
        try:
            raise KeyError(text)
        except KeyError as error:
            raise ValueError(f"not allowed: {text}") from error

    def steps(text: str) -> Iterator[str]:
        yield from ()
        fails(text)

    def program(track: Any) -> None:
        for call in (track(fails, name="function"), lambda text: list(track(steps, name="generator")(text))):
            with pytest.raises(ValueError, match="not allowed: a secret"):
                call("a secret")

    with record_trail(capture_input=False, capture_output=False) as by_setting:
        program(lambda f, **given: trailmark.track(**given)(f))
        with pytest.raises(ValueError), trailmark.span("function"):
            fails("a secret")
    with record_trail() as by_function:
        program(lambda f, **given: trailmark.track(capture_input=False, capture_output=False, **given)(f))
    with record_trail(capture_input=False) as kept:
        program(lambda f, **given: trailmark.track(**given)(f))

    for trail in (by_setting, by_function):
        assert b"a secret" not in b"".join(trail.raw)
        errors = [span["error"] for span in trail.spans]
        assert {(error["type"], error["message"]) for error in errors} == {("ValueError", "")}
        assert all("in fails" in error["traceback"] for error in errors)
    assert {span["error"]["message"] for span in kept.spans} == {"not allowed: a secret"}


@trailmark.track
def tracked(text: str) -> str:
    return text


@trailmark.track
def streamed(text: str) -> Iterator[str]:
    yield text
