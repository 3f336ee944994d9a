"""The trace of a root span that this process works on: what is set here is the trace's, not the span's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trailmark._edits import edit_trace
from trailmark._files import read_files, write_files
from trailmark._guard import guard
from trailmark._span import Span

__all__ = ["LiveTrace", "update_both"]

_OF_THE_SPAN: Final = frozenset(("type", "input", "output", "model", "provider", "usage", "usage_raw", "total_cost"))
_OF_BOTH: Final = frozenset(("name", "tags", "metadata"))


class LiveTrace:
    """The trace some code runs in. Its methods never raise inside traced code: faults are said once."""

    __slots__ = ("_root",)

    def __init__(self, root: Span) -> None:
        self._root = root

    def __repr__(self) -> str:
        return f"<LiveTrace {self._root.name!r} trace_id={self.trace_id}>"

    @property
    def id(self) -> str:
        """The trace's id, as `trace_id`."""
        return self._root.trace_id

    @property
    def trace_id(self) -> str:
        """The trace's id."""
        return self._root.trace_id

    def update(self, **fields: Any) -> None:
        """Set name, input, output, thread_id, user_id, environment; merge metadata; add tags, scores, attachments."""
        with guard("updating a trace"):
            _update(self._root, fields, {})

    def score(
        self, name: str, value: float | bool | None = None, *, label: str | None = None, reason: str | None = None
    ) -> None:
        """Judge the trace; a second score of the same name replaces the first. A bad one is said once."""
        self.update(scores=[{"name": name, "value": value, "label": label, "reason": reason}])


def update_both(root: Span, fields: Mapping[str, Any]) -> None:
    """A trace and its root span at once: as the two are one thing to who opened them by `trace()`.

    What only a span has, its input and output too (a trace has those of its root span), goes to the span; tags,
    metadata and a name to both, the rest to the trace.
    """
    own = {key: value for key, value in fields.items() if key in _OF_THE_SPAN or key in _OF_BOTH}
    _update(root, {key: value for key, value in fields.items() if key not in _OF_THE_SPAN}, own)


def _update(root: Span, fields: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """`own`: what its root span gets with it."""
    given, recorder = dict(fields), root._recorder
    if root.trace is None:  # the root is in another process: told by id
        if recorder.is_sampled(root):
            edit_trace(recorder, root.project, root.trace_id, given)
        return
    files = read_files(given.pop("attachments", None))
    root.trace.update(**given)
    if own:
        root.set(**own)
    root.touched()
    if files and (sink := recorder.sink_of(root)) is not None:
        write_files(recorder, sink, root.project, root.trace_id, None, files)
