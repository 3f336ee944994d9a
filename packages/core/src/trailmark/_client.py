"""The low-level client: traces and spans made by hand; what the server holds, found and changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

import orjson

from trailmark import wire
from trailmark._capture import given_error
from trailmark._context import Remote
from trailmark._edits import edit_span, edit_trace, write_score
from trailmark._files import File, read_files, write_files
from trailmark._pipeline import FlushResult, Pipeline
from trailmark._process import current_settings, is_tracing_active, pipeline
from trailmark._recorder import Recorder
from trailmark._settings import check
from trailmark._span import Span as LiveSpan
from trailmark._trace_fields import TraceFields
from trailmark.model import ErrorInfo, check_scores, check_seconds, check_text, check_type, check_word, shown, written

if TYPE_CHECKING:
    from trailmark._lookup import Lookup, StoredSpan, StoredTrace
    from trailmark._lookup_opik import OpikLookup

__all__ = ["Client", "Span", "Trace"]

Error: TypeAlias = BaseException | Mapping[str, str]  # the mapping: type, message, traceback
MAX_FILTER: Final = 4000  # characters: it travels in the address


class Client:
    """Makes traces and spans by hand, for its own project and destination. Bad arguments raise at once."""

    def __init__(
        self,
        project_name: str | None = None,
        *,
        url: str | None = None,
        api_key: str | None = None,
        workspace: str | None = None,
        home: str | Path | None = None,
    ) -> None:
        given = {"project_name": project_name, "url": url, "api_key": api_key, "workspace": workspace, "home": home}
        asked = {key: value for key, value in given.items() if value is not None}
        check(asked)
        shared = pipeline()
        if set(asked) <= {"project_name"}:  # same destination: share outbox and sender
            self._pipeline, self._owns = shared, False
        else:
            self._pipeline, self._owns = Pipeline(current_settings(asked)), True
        settings = self._pipeline.settings
        self.project_name = settings.project_name if project_name is None else check_text("project_name", project_name)
        self._recorder = Recorder(
            self._pipeline.recorder.sink,
            project=self.project_name,
            sample_rate=settings.sample_rate,
            new_id=self._pipeline.recorder.new_id,
            clock=self._pipeline.recorder.clock,
            redactor=self._pipeline.recorder.redactor,
            environment=settings.environment,
            release=settings.release,
            keep_media=settings.capture_media,
        )

    def trace(
        self, name: str, *, start_time: datetime | None = None, end_time: datetime | None = None, **fields: Any
    ) -> Trace:
        """A trace of its own.

        Fields: input, output, metadata, tags, thread_id, user_id, environment, scores, attachments.
        """
        ends_us = None if end_time is None else _us("end_time", end_time)
        trace = Trace(self, name, start_time, fields)
        if ends_us is not None:
            trace._end(ends_us, {})
        return trace

    def score_trace(
        self,
        id: str | UUID,
        name: str,
        value: float | bool | None = None,
        *,
        label: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Score a trace by id, also after its end and from another process."""
        self._score({"trace_id": _id(id)}, name, value, label, reason)

    def score_span(
        self,
        id: str | UUID,
        name: str,
        value: float | bool | None = None,
        *,
        label: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Score a span by id, also after its end and from another process."""
        self._score({"span_id": _id(id)}, name, value, label, reason)

    def score_thread(
        self,
        id: str,
        name: str,
        value: float | bool | None = None,
        *,
        label: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Score a thread (a conversation) by its id."""
        self._score({"thread_id": check_text("thread id", check_word("thread id", id))}, name, value, label, reason)

    def update_trace(self, id: str | UUID, **fields: Any) -> None:
        """Change a trace by id, also after its end and from another process: merge metadata, add tags, set the rest.

        Fields: name, input, output, metadata, tags, thread_id, user_id, environment, scores.
        """
        self._edit(edit_trace, _id(id), fields)

    def update_span(self, id: str | UUID, *, trace_id: str | UUID | None = None, **fields: Any) -> None:
        """Change a span by id, as `update_trace`; `trace_id` is needed only for an Opik server.

        Fields: name, type, input, output, metadata, tags, scores, model, provider, usage, usage_raw, total_cost,
        attachments.
        """
        self._edit(partial(edit_span, trace_id=_id(trace_id) if trace_id else None), _id(id), fields)

    def search_traces(
        self, filter: str = "", *, project_name: str | None = None, limit: int = 1000
    ) -> list[StoredTrace]:
        """Traces that match, newest first: `search_traces("status:error duration>2s -tag:test")`.

        The same language as on the page (docs/filters.md); of an Opik server, as far as its own filters go. QueryError
        says what is wrong where; ServerError, that no server can be asked: in local mode one must run on this home
        (`trailmark ui` or `serve`).
        """
        wanted = (_filter(filter), self._project(project_name), _limit(limit))
        return self._lookup().traces(*wanted)

    def search_spans(self, filter: str = "", *, project_name: str | None = None, limit: int = 1000) -> list[StoredSpan]:
        """Spans that match, newest first; as `search_traces`."""
        wanted = (_filter(filter), self._project(project_name), _limit(limit))
        return self._lookup().spans(*wanted)

    def get_trace(self, id: str | UUID) -> StoredTrace:
        """The trace as the server holds it; NotFoundError when it has none of that id."""
        wanted = _id(id)
        return self._lookup().trace(wanted)

    def get_span(self, id: str | UUID) -> StoredSpan:
        """The span as the server holds it; NotFoundError when it has none of that id."""
        wanted = _id(id)
        return self._lookup().span(wanted)

    def get_attachment(self, id: str | UUID) -> bytes:
        """The content of an attachment of a stored span or trace; NotFoundError when there is none."""
        wanted = _id(id)
        return self._lookup().attachment(wanted)

    def delete_trace(self, id: str | UUID) -> None:
        """Delete a trace and its spans on the server, for good; NotFoundError when it has none of that id."""
        wanted = _id(id)
        self._lookup().delete_trace(wanted)

    def flush(self, timeout: float | None = None) -> FlushResult:
        """As `trailmark.flush`, for this client's destination."""
        return self._pipeline.flush(check_seconds("timeout", timeout))

    def close(self) -> None:
        """Deliver what fits into the flush timeout. The process's shared pipeline stays open."""
        if self._owns:
            self._pipeline.close()
        else:
            self._pipeline.flush()

    def _score(
        self, target: dict[str, str], name: str, value: float | bool | None, label: str | None, reason: str | None
    ) -> None:
        [score] = check_scores([{"name": name, "value": value, "label": label, "reason": reason}])
        if is_tracing_active():
            write_score(self._recorder, self.project_name, target, score)

    def _project(self, name: str | None) -> str:
        return self.project_name if name is None else check_text("project_name", name)

    def _lookup(self) -> Lookup | OpikLookup:
        from trailmark._lookup import Asking, Lookup  # not needed by who only records

        server = Asking(self._pipeline.settings)
        if server.is_trailmark():
            return Lookup(server)
        from trailmark._lookup_opik import OpikLookup

        return OpikLookup(server)

    def _edit(self, edit: Callable[..., None], id: str, fields: dict[str, Any]) -> None:
        if not fields:
            raise ValueError("nothing to update: give at least one field")
        if is_tracing_active():
            edit(self._recorder, self.project_name, id, fields=fields)


class Trace:
    """A trace made by hand; may have no spans. Every change writes its full state."""

    def __init__(self, client: Client, name: str, start_time: datetime | None, fields: dict[str, Any]) -> None:
        self._client, self._recorder = client, client._recorder
        check_text("name", name)
        self.id = self._recorder.new_id()
        self._fields = TraceFields(self._recorder)
        self.start_us = _us("start_time", start_time)
        files = self._set({"name": name, **fields})
        self._end_us: int | None = None
        self._error: ErrorInfo | None = None
        self._ver = 0
        if is_tracing_active():
            self._client._pipeline.tell(client.project_name, self.id)
        self._write(wire.OPEN, files)

    def span(
        self,
        name: str,
        *,
        type: str = "general",
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        **fields: Any,
    ) -> Span:
        """A span directly under the trace. Fields: input, output, usage, model, provider, metadata, tags, …"""
        return Span(self, None, name, type, start_time, end_time, fields)

    def update(self, **fields: Any) -> None:
        """Merge metadata, add tags, attachments and scores (replaced by name), set the rest."""
        files = self._set(fields)
        self._write(self._next_ver(), files)

    def score(
        self, name: str, value: float | bool | None = None, *, label: str | None = None, reason: str | None = None
    ) -> None:
        """Score the trace; a second score of the same name replaces the first."""
        self.update(scores=[{"name": name, "value": value, "label": label, "reason": reason}])

    def end(self, *, end_time: datetime | None = None, error: Error | None = None, **fields: Any) -> None:
        """End the trace; the first call decides the end time. `error`: the exception it failed with."""
        end_us, told = _us("end_time", end_time), None if error is None else given_error(error)
        self._error = told or self._error
        self._end(end_us, fields)

    def _end(self, end_us: int, fields: dict[str, Any]) -> None:
        files = self._set(fields)
        if self._end_us is None:
            self._end_us = max(end_us, self.start_us)
        self._write(self._next_ver(), files)

    def _set(self, fields: dict[str, Any]) -> list[File]:
        """What is not allowed raises, and nothing is written; attachments are for `_write`."""
        files = read_files(fields.pop("attachments", None))
        self._fields.update(**fields)
        return files

    def _next_ver(self) -> int:
        return wire.END if self._ver < wire.END and self._end_us is not None else max(self._ver + 1, wire.now_us())

    def _write(self, ver: int, files: list[File]) -> None:
        self._ver = ver
        if not is_tracing_active() or not self._recorder.is_recording(self.id):
            return
        fields = {
            "project": self._client.project_name,
            "start_us": self.start_us,
            "end_us": self._end_us,
            "status": "running" if self._end_us is None else "error" if self._error else "ok",
            **self._fields.fields(),
        }
        if self._error is not None:
            fields["error"] = orjson.Fragment(self._recorder.redactor(orjson.dumps(self._error)))
        self._recorder.sink(wire.encode("trace", self.id, ver, fields))
        if (media := self._fields.media) is not None:
            files, media.files = files + media.files, []
        write_files(self._recorder, self._recorder.sink, self._client.project_name, self.id, None, files)


class Span:
    """A span made by hand. Never ended, it is interrupted when its process is gone."""

    def __init__(
        self,
        trace: Trace,
        parent: Span | None,
        name: str,
        type: str,
        start_time: datetime | None,
        end_time: datetime | None,
        fields: dict[str, Any],
    ) -> None:
        self._trace, self._parent = trace, parent
        check_text("name", name)
        start_us = None if start_time is None else _us("start_time", start_time)
        end_us = None if end_time is None else _us("end_time", end_time)
        self._live: LiveSpan = LiveSpan(
            trace._recorder,
            name=name,
            type=check_type(type),
            parent=parent._live if parent else None,
            project=trace._client.project_name,
            remote=Remote(trace.id, None),
            owns_trace=False,
        )
        if start_us is not None:
            self._live.start_us = start_us
        self._live.set(**fields)
        self.id, self.trace_id = self._live.id, trace.id
        if not is_tracing_active():
            return
        if end_us is not None or "output" in fields:
            self._live.end(end_us=end_us)
        else:
            self._live.write(wire.OPEN)

    def span(
        self,
        name: str,
        *,
        type: str = "general",
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        **fields: Any,
    ) -> Span:
        """A span under this one."""
        return Span(self._trace, self, name, type, start_time, end_time, fields)

    def update(self, **fields: Any) -> None:
        """Set or merge fields; after the end too. Raises TypeError or ValueError for what is not allowed."""
        self._live.set(**fields)
        if is_tracing_active():
            self._live.touched()

    def score(
        self, name: str, value: float | bool | None = None, *, label: str | None = None, reason: str | None = None
    ) -> None:
        """Score the span; a second score of the same name replaces the first."""
        self.update(scores=[{"name": name, "value": value, "label": label, "reason": reason}])

    def end(self, *, end_time: datetime | None = None, error: Error | None = None, **fields: Any) -> None:
        """End the span; the first call decides the end time. `error`: the exception it failed with."""
        end_us = None if end_time is None else _us("end_time", end_time)
        told = None if error is None else given_error(error)
        self._live.set(**fields)
        if told is not None:
            self._live.set_error(told)
        if not is_tracing_active():
            return
        if self._live.is_ended:
            self._live.touched()
        else:
            self._live.end(end_us=end_us)


def _us(field: str, moment: datetime | None) -> int:
    if moment is None:
        return wire.now_us()
    if not isinstance(moment, datetime):
        raise TypeError(f"{field} is {shown(moment)}; allowed: a datetime (naive ones are local time)")
    try:
        us = int(moment.timestamp() * 1_000_000)
    except (ValueError, OverflowError):  # local time of the years 1 and 9999
        us = -1
    if us < 0:
        raise ValueError(f"{field} is {shown(moment)}; allowed: a datetime of 1970 or later")
    return us


def _limit(limit: int) -> int:
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ValueError(f"limit is {shown(limit)}; allowed: a whole number, 1 or more")
    return limit


def _filter(filter: str) -> str:
    if not isinstance(filter, str):
        raise TypeError(f'filter is {shown(filter)}; allowed: a text such as "status:error duration>2s"')
    if len(filter) > MAX_FILTER:
        raise ValueError(f"filter has {len(filter)} characters; allowed: {MAX_FILTER}")
    return written(filter)


def _id(id: str | UUID) -> str:
    try:
        return str(id if isinstance(id, UUID) else UUID(id))
    except (ValueError, AttributeError, TypeError):
        raise ValueError(f"id is {shown(id)}; allowed: the UUID of a trace or span") from None
