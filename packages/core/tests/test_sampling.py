"""Which traces are recorded: by id, by the user's own judgement, and when they fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trailmark
from trailmark.instrumentation import start_span
from trailmark.testing import record_trail


@trailmark.track
def step(fails: bool = False) -> str:
    if fails:
        raise ValueError("no")
    return "done"


@trailmark.track(name="app")
def app(fails: bool = False) -> None:
    step()
    try:
        step(fails)
    except ValueError:
        trailmark.update_current_span(tags=["caught"])


def test_nothing_of_an_unsampled_trace_is_written() -> None:
    with record_trail(sample_rate=0.0) as trail:
        app()
        with trailmark.span("block") as live:
            trailmark.update_current_trace(scores={"q": 1})
        live.update(output="late")
        assert trailmark.context.get_current_span() is None
    assert trail.raw == []


def test_a_sampler_judges_each_trace_once_by_its_root() -> None:
    asked: list[str] = []

    def sampler(root: Any) -> bool | None:
        asked.append(root.name)
        return {"app": True, "step": False}.get(root.name)

    with record_trail(sampler=sampler, sample_rate=0.0) as trail:
        app()
        step()
        with trailmark.span("undecided"):
            step()
    assert asked == ["app", "step", "undecided"]
    assert trail.tree() == "app (general) ok\n  step (general) ok\n  step (general) ok"


def test_a_sampler_that_raises_leaves_it_to_the_rate(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(root: Any) -> bool:
        raise KeyError(root.name)

    with record_trail(sampler=broken, sample_rate=1.0) as trail, pytest.raises(KeyError):
        trailmark.span("app").__enter__()
    assert trail.raw == []
    trailmark.configure(sampler=broken, quiet=True)
    try:
        assert step() == "done"
    finally:
        trailmark.configure(sampler=None, quiet=None)
    assert "the sampler failed: KeyError" in capsys.readouterr().err


@pytest.mark.parametrize("fails", [True, False])
def test_with_keep_errors_an_unsampled_trace_is_written_when_it_fails(fails: bool) -> None:
    with record_trail(sample_rate=0.0, keep_errors=True) as trail:
        app(fails)
    assert trail.tree() == ("app (general) ok\n  step (general) ok\n  step (general) error" if fails else "")
    if fails:
        assert trail.span("app")["tags"] == ["caught"]


def test_what_ends_after_a_failed_trace_is_written_too() -> None:
    with record_trail(sample_rate=0.0, keep_errors=True) as trail:
        with pytest.raises(ValueError, match="no"), trailmark.span("root"):
            late = start_span("late")
            step(fails=True)
        assert late is not None
        late.end(output="there")
    assert trail.span("late")["output"] == "there"


def test_held_traces_take_bounded_memory(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("trailmark._sampling.MAX_HELD_BYTES", 20_000)
    with record_trail(sample_rate=0.0, keep_errors=True) as trail:
        with pytest.raises(ValueError, match="no"), trailmark.span("root"):
            for _ in range(20):
                with trailmark.span("big", input="x" * 2000):
                    pass
            raise ValueError("no")
        assert sum(map(len, trail.raw)) <= 20_000
        held = len(trail.raw)
        for _ in range(50):
            app()  # forgotten ones give their room back
        with pytest.raises(ValueError, match="no"):
            step(fails=True)
        assert len(trail.raw) > held
    assert "keep_errors holds" in capsys.readouterr().err


def test_environment_and_release_are_on_every_trace() -> None:
    with record_trail(environment="prod", release="1.2") as trail:
        step()
        trailmark.Client().trace("by hand", environment="lab").end()
        with trailmark.trace("other", metadata={"version": "own"}):
            pass
    assert {(t.get("environment"), t["metadata"]["version"]) for t in trail.traces} == {
        ("prod", "1.2"), ("lab", "1.2"), ("prod", "own"),
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [{"sampler": "half"}, {"keep_errors": "maybe"}, {"environment": 3}])
def test_a_wrong_setting_says_what_is_allowed(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="allowed: "):
        trailmark.configure(**wrong)


def test_a_sampler_that_is_traced_itself_ends_and_is_not_recorded() -> None:
    @trailmark.track
    def wanted(root: Any) -> bool:
        return root.name == "call"

    with record_trail(sampler=wanted) as trail:
        trailmark.track(lambda: None, name="call")()

    assert trail.tree() == "call (general) ok"
