"""The process's default pipeline and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trailmark._guard import say_once, show_tracebacks
from trailmark._pipeline import FlushResult, Pipeline
from trailmark._settings import Settings, check, load
from trailmark.errors import SettingsError
from trailmark.model import check_flag, check_seconds

__all__ = [
    "active_pipeline",
    "back_end",
    "configure",
    "current_settings",
    "flush",
    "is_tracing_active",
    "pipeline",
    "set_tracing_active",
    "stats",
    "use_pipeline",
]

_configured: dict[str, Any] = {}
_default: dict[str, Pipeline] = {}  # at most one; a dict, because its setdefault and pop need no lock to be atomic
_active: bool | None = None  # None: as the track_disable setting says


def pipeline() -> Pipeline:
    """The process's default pipeline, made on first use."""
    return _default.get("") or _make_default()


def _make_default() -> Pipeline:
    """Two may come at once, or a signal handler while we are here: nobody waits, one pipeline stays."""
    made = Pipeline(current_settings({}))
    show_tracebacks(on=made.settings.debug)
    return _default.setdefault("", made)


def current_settings(given: Mapping[str, Any]) -> Settings:
    """What holds now, `given` before all; a bad environment or file is said once."""
    return load({**_configured, **given}, problem=_say_problem)


def _say_problem(error: SettingsError, instead: str) -> None:
    say_once(str(error), f"{error}; {instead}")


def use_pipeline(new: Pipeline | None) -> Pipeline | None:
    """Replace the process's default (the test kit does); returns the one before."""
    before = _default.pop("", None)
    if new is not None:
        _default[""] = new
    return before


def configure(**settings: Any) -> None:
    """Set url, api_key, workspace, project_name, home, sample_rate, … for the process; None takes a setting back.

    Raises SettingsError that names an unknown setting or a value not allowed. Applies to spans that start later.
    """
    known = {**_configured, **settings}
    wanted = {key: value for key, value in known.items() if value is not None}
    check(wanted)
    _configured.clear()
    _configured.update(wanted)
    before = use_pipeline(None)
    if before is not None:
        before.close()


def set_tracing_active(active: bool | None) -> None:
    """Turn tracing on or off for the process; None goes back to the setting."""
    global _active  # noqa: PLW0603 - a switch for the process
    _active = active if active is None else check_flag("active", active)


def is_tracing_active() -> bool:
    """Whether a span started now would be recorded."""
    if _active is not None:
        return _active
    return not (_default.get("") or _make_default()).settings.track_disable


def active_pipeline() -> Pipeline | None:
    """The default pipeline, if a span started now would be recorded."""
    if _active is False:
        return None
    line = _default.get("") or _make_default()
    return line if _active or not line.settings.track_disable else None


def back_end() -> str | None:
    """The address records go to; None in local mode."""
    return pipeline().settings.url


def flush(timeout: float | None = None) -> FlushResult:
    """Wait at most `timeout` seconds until everything recorded is acknowledged; the result says what was."""
    return pipeline().flush(check_seconds("timeout", timeout))


def stats() -> dict[str, Any]:
    """Mode and destination of the outbox, and the counts of `flush`."""
    return pipeline().stats()
