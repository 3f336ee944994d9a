"""The seam of the store: what a back end answers, what it takes, and how it says what it cannot.

Nothing here or above it knows SQL. Names are asked for as people write them: a project's name, an id as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from trailmark_server.pricing import Price
from trailmark_server.store.questions import QUERY_S, SKELETON_PAGE, Bounds, Of

__all__ = ["Capabilities", "Health", "Reader", "Repriced", "Store", "Writer"]

R = TypeVar("R")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Where back ends differ, said openly."""

    backend: str
    text: Literal["words", "substring"]  # what a bare word in a query finds
    phrases: bool  # whether quoted words must stand side by side
    quantiles: Literal["exact", "approximate"]
    reads_own_writes: bool  # whether a read sees what was acknowledged before it began
    snapshots: bool  # whether all answers of one `read` are of one moment


@dataclass(frozen=True, slots=True)
class Health:
    """`state` other than "ok": writes are refused, reads go on. `unindexed`: spans that a text search reads itself."""

    state: Literal["ok", "full", "damaged"]
    detail: str
    unindexed: int


@dataclass(frozen=True, slots=True)
class Repriced:
    """How many spans with usage were looked at, how many cost something else now, and the sums before and after."""

    seen: int = 0
    changed: int = 0
    before: float = 0.0
    after: float = 0.0


class Reader(Protocol):
    """Answers from one consistent view.

    QueryError for a query, CursorError for a cursor of another list, NotFoundError for an id nobody has.
    """

    def projects(self) -> list[Row]:
        """By their newest trace; those without traces last."""

    def activity(self) -> list[Row]:
        """As `projects`, with what the last day brought."""

    def find(self, prefix: str) -> list[str]:
        """Trace ids that begin with the prefix, or the newest for `last`; at most ten."""

    def newest(self, limit: int, project: str | None = None) -> list[Row]:
        """Trace rows of all projects, newest first."""

    def oldest(self, limit: int, *, before_us: int | None = None, project: str | None = None) -> list[str]:
        """Ids of the traces that began first."""

    def older_than(self, project: str, before_us: int) -> Row:
        """What a retention up to then would delete: `{traces, spans, oldest_us}`."""

    def trace_rows(
        self, project: str, *, query: str = "", bounds: Bounds = (None, None), sort: str = "-start", limit: int = 200,
        cursor: str | None = None, fields: tuple[str, ...] = (),
    ) -> Row:  # fmt: skip
        """A page: `{rows, next, seq}`."""

    def span_rows(
        self, project: str, *, query: str = "", bounds: Bounds = (None, None), sort: str = "-start", limit: int = 200,
        cursor: str | None = None, fields: tuple[str, ...] = (),
    ) -> Row:  # fmt: skip
        """A page: `{rows, next, seq}`."""

    def whole_traces(self, project: str, *, query: str, limit: int, cursor: str | None) -> Row:
        """`{items, next}`: traces with their payloads, newest first."""

    def whole_spans(self, project: str, *, query: str, limit: int, cursor: str | None) -> Row:
        """`{items, next}`: spans with their payloads, newest first."""

    def span_records(
        self, project: str, *, query: str, bounds: Bounds, limit: int, cursor: str | None
    ) -> tuple[list[Row], str | None]:
        """A page of native records, newest first, and the cursor of the next."""

    def records(self, trace_id: str) -> Iterator[Row]:
        """The trace as native records, which `POST /api/v1/ingest` takes back: spans, scores, comments."""

    def changes(self, project: str, *, since: int, query: str, limit: int, fields: tuple[str, ...] = ()) -> Row:
        """`{upserts, deleted, seq, more}` after `since`, oldest first: rows that match, ids that left."""

    def newest_change(self, project: str) -> int:
        """The number of the newest change in a project, deletions included."""

    def count(self, project: str, *, query: str, bounds: Bounds, of: Of = "traces") -> Row:
        """`{estimate, exact}`."""

    def histogram(self, project: str, *, query: str, bounds: Bounds, buckets: int, of: Of = "traces") -> Row:
        """Rows by time of start, and how many of them failed; without bounds, over all there are."""

    def metrics(
        self, project: str, *, wanted: tuple[str, ...], by: str, query: str, bounds: Bounds, buckets: int
    ) -> Row:
        """`{t, step_ms, series: [{metric, key, stat, v}], partial_last, unpriced, exact}`; gaps null, sums 0."""

    def top(self, project: str, *, what: str, query: str, bounds: Bounds, limit: int) -> list[Row]:
        """The largest: `{key, n, errors, value}`."""

    def field_names(self, project: str, prefix: str) -> list[Row]:
        """`{name, type, n}` of those that begin with the prefix."""

    def field_values(self, project: str, field: str, prefix: str) -> list[Row]:
        """`{value, n}` of those that begin with the prefix, most frequent first."""

    def change_of(self, id: str) -> int:
        """The number of the trace's newest change."""

    def skeleton(self, id: str, *, after: int = 0, limit: int = SKELETON_PAGE, since: int | None = None) -> Row:
        """A page of spans in order of start, with the trace. Unchanged `since`: without spans."""

    def digits(self, id: str) -> int:
        """How many of the last digits of their ids tell the trace's spans apart."""

    def whole_id(self, trace_id: str, ending: str) -> str:
        """The id of the trace's span that ends so."""

    def trace(self, id: str, *, whole: bool = True) -> Row:
        """A trace and its spans as columns; `whole`: with its media."""

    def trace_head(self, id: str, *, whole: bool = True) -> Row:
        """A trace without its spans; `whole`: with its media."""

    def span(self, trace_id: str, span_id: str, *, whole: bool = True) -> Row:
        """One span; `whole`: with its media, else with references to `blob`."""

    def inside(self, id: str, text: str) -> Row:
        """`{rows, truncated}`: the trace's spans that hold the text, whatever its case, by row of the skeleton."""

    def digests(self, id: str) -> list[dict[str, bytes]]:
        """By row of the skeleton: a hash of input, output and error."""

    def spans_of(self, span_id: str) -> str | None:
        """The trace a span is in."""

    def rows_by_id(self, project: str, *, before: str | None, limit: int) -> list[Row]:
        """Trace rows, newest first by id."""

    def span_ids(
        self, project: str, *, before: str | None, limit: int, trace_id: str | None = None
    ) -> list[tuple[str, str]]:
        """(trace, span) ids, newest first by span id."""

    def threads(self, project: str, *, limit: int) -> list[Row]:
        """Conversations, those with the newest trace first."""

    def thread_rows(self, project: str, *, query: str, bounds: Bounds, limit: int, cursor: str | None) -> Row:
        """A page of conversations with a trace that matches."""

    def thread(self, project: str, id: str, *, after: int, limit: int) -> Row:
        """Its turns, oldest first, whole."""

    def thread_scores(self, thread_id: str) -> list[Row]:
        """Of a conversation as a whole."""

    def scores(self, kind: str, id: str, project: str | None = None) -> list[Row]:
        """Of one trace, span or thread; of a trace with its spans'. Oldest first."""

    def scores_of_project(self, project: str, limit: int) -> list[Row]:
        """The newest of a project."""

    def score_history(self, id: str) -> list[Row]:
        """What the score was before, newest first."""

    def comments(self, kind: str, id: str, project: str | None = None) -> list[Row]:
        """Of one trace, span or thread; of a trace with its spans'. Oldest first."""

    def comment(self, id: str) -> Row:
        """One of them."""

    def files(self, kind: str, id: str) -> list[Row]:
        """Attachments of a span, or of a trace without its spans'."""

    def file(self, id: str) -> tuple[Row, bytes]:
        """Name and type of an attachment, and its content."""

    def blob(self, sha256: str) -> bytes:
        """The content behind a reference in a payload."""

    def prices(self) -> list[Price]:
        """The user's own."""

    def last_span(self) -> int:
        """How far `Writer.reprice` has to go."""

    def documents(self, kind: str) -> list[Row]:
        """Small things people set, all of a kind, by key."""

    def document(self, kind: str, key: str) -> Any:
        """The value; None when it was never set."""

    def damage(self) -> str:
        """What is wrong with the store, the first of it; empty when nothing is. Reads all of it."""


class Writer(Protocol):
    """Changes of one transaction. The highest version wins: order and repetition are all one."""

    def put(self, records: Iterable[Row], owner: str = "") -> None:
        """Store validated records (`ingest.records`). `owner`: whose open spans these are, if of a local process."""

    def know(self, of_traces: Iterable[Row]) -> None:
        """What spans say of their traces: `{trace_id, thread_id?, user_id?, tags?}`; the root's own word wins."""

    def patch(self, kind: str, id: str, changes: Row, *, ver: int | None = None, edit_id: str = "") -> None:
        """Set some fields of a span or trace as of `ver` (now)."""

    def edit(self, kind: str, id: str, changes: Row, *, ver: int | None = None, edit_id: str = "") -> None:
        """As `patch`, but merges metadata and adds tags."""

    def delete_trace(self, id: str) -> bool:
        """Everything of the trace, for good: what is sent of it later is ignored. Whether there was something."""

    def erase_trace(self, id: str) -> bool:
        """Everything of the trace; what is sent of it later is stored again. Whether there was something."""

    def delete_score(self, kind: str, id: str, name: str) -> None:
        """All scores of that name."""

    def drop_score(self, id: str) -> None:
        """This one score; it stays in the history."""

    def drop_comment(self, id: str) -> None:
        """NotFoundError when there is none."""

    def delete_files(self, ids: list[str]) -> None:
        """Attachments, by their ids."""

    def create_project(self, name: str) -> None:
        """ExistsError when there is one of that name."""

    def rename_project(self, name: str, new: str) -> None:
        """NotFoundError and ExistsError. Programs that go on recording under the old name make it anew."""

    def drop_project(self, name: str, limit: int) -> bool:
        """Delete up to `limit` of its traces, and the project when none is left; whether it is gone."""

    def put_document(self, kind: str, key: str, value: Any) -> None:
        """Set, or replace."""

    def drop_document(self, kind: str, key: str) -> None:
        """NotFoundError when there is none."""

    def set_price(self, price: Price) -> None:
        """A price of the user's own, for what comes; `store.reprice` for what is there."""

    def drop_price(self, model: str, provider: str = "") -> bool:
        """Whether there was one."""

    def reprice(self, after: int, until: int) -> tuple[int, Repriced]:
        """A page of `store.reprice`."""

    def owners(self) -> list[str]:
        """Owners with open spans."""

    def interrupt(self, owner: str) -> None:
        """The owner died: what it left open is interrupted, unless its end is still to come."""

    def advance(self, segment: str, reached: dict[int, int]) -> bool:
        """A spool file was read so far; False when it had been before."""

    def finish(self, segment: str) -> None:
        """A spool file was read to its end and is gone."""

    def vacuum(self, pages: int) -> None:
        """Give so much free space back to the disk."""


class Store(Protocol):
    """Traces, spans, scores and attachments of one workspace."""

    schema: int
    path: Path

    def put(self, records: Iterable[Row], owner: str = "", taken: tuple[str, dict[int, int]] | None = None) -> None:
        """Store checked records (`ingest.records`); returns after the commit.

        `taken`: the spool file they are of and how far each of its ranges was read; what was stored before is left out.
        """

    def write(self, job: Callable[[Writer], R]) -> R:
        """Run the job in one transaction and return after its commit; what it raises is raised, and nothing stored.

        Jobs may share a transaction; when another one fails, this one is undone and run again.
        """

    def read(self, *, timeout_s: float | None = QUERY_S) -> AbstractContextManager[Reader]:
        """A view of one moment; a query over the time limit raises TooLongError."""

    def index_text(self) -> int:
        """Index a batch of the texts that wait; returns how many that were."""

    def capabilities(self) -> Capabilities:
        """Where this back end differs."""

    def health(self) -> Health:
        """Whether it takes writes, and how far its text index is."""

    def disk_bytes(self) -> int:
        """What it takes on disk."""

    def used_bytes(self) -> int:
        """What its data takes."""

    def free_bytes(self) -> int:
        """What a vacuum would give back to the disk."""

    def backup(self, path: Path) -> None:
        """A copy of this moment, checked, while writes go on. StoreError when it cannot be made or does not check."""

    def close(self) -> None:
        """After what is queued is written."""
