"""What one test recorded: the newest record of each id, and the tree they make."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from trailmark._context import enter, entered
from trailmark._guard import raise_own_faults
from trailmark._pipeline import Pipeline
from trailmark._process import set_tracing_active, use_pipeline
from trailmark._settings import Settings
from trailmark.wire import Tail, joined

__all__ = ["Trail", "record_trail"]

START_US = 1_700_000_000_000_000


class Trail:
    """The records of one test, oldest first."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []

    def keep(self, record: bytes, tail: Tail | None = None, /) -> None:
        """The sink of the pipeline under test."""
        self.raw.append(joined(record, tail))

    @property
    def records(self) -> list[dict[str, Any]]:
        """The newest record of each id, in order of start."""
        newest: dict[tuple[str, str], dict[str, Any]] = {}
        for record in map(orjson.loads, self.raw):
            key = (record["k"], record["id"])
            if key not in newest or newest[key]["ver"] < record["ver"]:
                newest[key] = record
        return sorted(newest.values(), key=lambda record: (record.get("start_us", 0), record["id"]))

    @property
    def spans(self) -> list[dict[str, Any]]:
        """Spans in order of start."""
        return [record for record in self.records if record["k"] == "span"]

    @property
    def traces(self) -> list[dict[str, Any]]:
        """Traces in order of start: made by hand, or the fields on a root span with `id` and `project`."""
        made = [
            {"id": record["trace_id"], "project": record["project"], **record["trace"]}
            for record in self.spans
            if "trace" in record
        ]
        return made + [record for record in self.records if record["k"] == "trace"]

    def span(self, name: str) -> dict[str, Any]:
        """The one span of that name."""
        found = [span for span in self.spans if span["name"] == name]
        assert len(found) == 1, f"{len(found)} spans are named {name!r}; the trail is:\n{self.tree()}"
        return found[0]

    def tree(self) -> str:
        """`name (type) status` a line, children indented by two spaces, siblings in order of start."""
        spans = self.spans
        known = {span["id"] for span in spans}
        children: dict[str | None, list[dict[str, Any]]] = {}
        for span in spans:
            children.setdefault(span["parent_id"] if span["parent_id"] in known else None, []).append(span)
        lines = []
        stack = [(span, 0) for span in reversed(children.get(None, []))]
        while stack:
            span, depth = stack.pop()
            lines.append(f"{'  ' * depth}{span['name']} ({span['type']}) {span['status']}")
            stack.extend((child, depth + 1) for child in reversed(children.get(span["id"], [])))
        return "\n".join(lines)


@contextmanager
def record_trail(**settings: Any) -> Iterator[Trail]:
    """Within the block the whole process records into the trail, and trailmark's own faults raise.

    Ids count up from 1; the clock advances one millisecond a look.
    """
    trail = Trail()
    ids, ticks = itertools.count(1), itertools.count()

    def new_id() -> str:
        return f"018bcfe5-6800-7000-8000-{next(ids):012x}"

    def clock() -> tuple[int, int]:
        tick = next(ticks)
        return START_US + tick * 1000, tick * 1_000_000

    pipeline = Pipeline(Settings(quiet=True, **settings), sink=trail.keep, new_id=new_id, clock=clock)
    before, span_before = use_pipeline(pipeline), entered()
    enter(None)
    raise_own_faults(on=True)
    set_tracing_active(True)
    try:
        yield trail
    finally:
        set_tracing_active(None)
        raise_own_faults(on=False)
        enter(span_before)
        use_pipeline(before)
