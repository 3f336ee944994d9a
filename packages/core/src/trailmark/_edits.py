"""Changes to what was recorded elsewhere or earlier, by id: patch and score records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from trailmark import wire
from trailmark._files import read_files, write_files
from trailmark._recorder import Recorder
from trailmark._span import KEYS, Span
from trailmark._trace_fields import TraceFields
from trailmark.model import UNSET, Score

__all__ = ["edit_span", "edit_trace", "write_score"]


def edit_trace(recorder: Recorder, project: str, id: str, fields: Mapping[str, Any]) -> None:
    """Write a patch for a trace. Raises TypeError or ValueError for what is not allowed, and writes nothing."""
    holder = TraceFields(recorder, of_edit=True)
    given = dict(fields)
    files = read_files(given.pop("attachments", None))
    holder.update(**given)
    changes = holder.fields()
    changes.pop("scores", None)
    _write(recorder, project, {"trace_id": id}, changes, holder.scores)
    files += holder.media.files if holder.media is not None else []
    write_files(recorder, recorder.sink, project, id, None, files)


def edit_span(recorder: Recorder, project: str, id: str, trace_id: str | None, fields: Mapping[str, Any]) -> None:
    """As `edit_trace`, for a span; `trace_id` where it is known: an Opik server wants it."""
    probe = Span(recorder, "", "general", None, project, owns_trace=False)
    given = dict(fields)
    files = read_files(given.pop("attachments", None))
    probe.set(**given)
    given_now = {key: probe._fields[said] for key, said in KEYS.items() if said in probe._fields and key != "scores"}
    changes: dict[str, Any] = {key: orjson.Fragment(data) for key, data in given_now.items()}
    for key in ("name", "type"):
        if fields.get(key) is not None:
            changes[key] = recorder.redactor.text(getattr(probe, key))
    if fields.get("input", UNSET) is not UNSET:
        changes["input"] = orjson.Fragment(probe.capture(fields["input"], "input"))
    _write(recorder, project, {"span_id": id, "trace_id": trace_id}, changes, probe._scores or [])
    files += probe._media.files if probe._media is not None else []
    write_files(recorder, recorder.sink, project, trace_id, id, files)


def write_score(recorder: Recorder, project: str, target: Mapping[str, str | None], score: Score) -> None:
    """One score of a trace, span or thread."""
    now = wire.now_us()
    judged = orjson.loads(recorder.redactor(orjson.dumps(score)))
    fields = {"trace_id": None, "span_id": None, "thread_id": None, **target, "project": project, **judged}
    fields |= {"source": "sdk", "author": "", "ts_us": now}
    recorder.sink(wire.encode("score", recorder.new_id(), now, fields))


def _write(
    recorder: Recorder, project: str, target: dict[str, str | None], changes: dict[str, Any], scores: list[Score]
) -> None:
    if changes:
        fields = {"project": project, **target, "changes": changes}
        recorder.sink(wire.encode("patch", recorder.new_id(), wire.now_us(), fields))
    for score in scores:
        own = {"trace_id": None} if target.get("span_id") else {}
        write_score(recorder, project, {**target, **own}, score)
