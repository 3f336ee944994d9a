"""Projects: how active, made, renamed, deleted; and their traces exported as the records they came from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from trailmark_server.store import comments, files, media, rollup
from trailmark_server.store.codec import id_text
from trailmark_server.store.errors import ExistsError, NotFoundError
from trailmark_server.store.lists import project_id
from trailmark_server.store.read import View, key_of
from trailmark_server.store.stored import stored_record
from trailmark_server.store.write import Transaction

__all__ = ["activity", "create", "drop", "older_than", "records", "rename"]

_DAY: Final = 86_400_000_000
_OWN: Final = ("name", "input", "output", "metadata", "tags", "thread_id", "user_id", "environment")
_ACTIVITY: Final = """
SELECT p.name, p.created_us,
  (SELECT count(*) FROM traces t WHERE t.project_id=p.id),
  (SELECT count(*) FROM traces t WHERE t.project_id=p.id AND t.start_us >= ?),
  (SELECT max(start_us) FROM traces t WHERE t.project_id=p.id)
FROM projects p ORDER BY 5 DESC, p.name
"""


def activity(reader: View) -> list[dict[str, Any]]:
    """By their newest trace; those without traces last."""
    rows = reader._db.execute(_ACTIVITY, (time.time_ns() // 1000 - _DAY,))
    return [
        {"name": row[0], "created_us": row[1], "traces": row[2], "traces_24h": row[3], "last_us": row[4]}
        for row in rows
    ]


def create(writer: Transaction, name: str) -> None:
    """ExistsError when there is one of that name."""
    if writer._db.execute("SELECT 1 FROM projects WHERE name=?", (name,)).fetchone():
        raise ExistsError(f"there is a project {name!r} already")
    writer.project(name)


def rename(writer: Transaction, name: str, new: str) -> None:
    """NotFoundError and ExistsError. Programs that go on recording under the old name make it anew."""
    if writer._db.execute("SELECT 1 FROM projects WHERE name=?", (new,)).fetchone():
        raise ExistsError(f"there is a project {new!r} already")
    if not writer._db.execute("UPDATE projects SET name=? WHERE name=?", (new, name)).rowcount:
        raise NotFoundError(f"no project {name!r}")
    writer._projects.clear()


def drop(writer: Transaction, name: str, limit: int) -> bool:
    """Delete up to `limit` of its traces, and the project when none is left; whether it is gone."""
    ids = writer._db.execute(
        "SELECT trace_id FROM traces WHERE project_id=(SELECT id FROM projects WHERE name=?) LIMIT ?", (name, limit)
    ).fetchall()
    for (trace_id,) in ids:
        writer.delete_trace(id_text(trace_id))
    if len(ids) == limit:
        return False
    row = writer._db.execute("DELETE FROM projects WHERE name=? RETURNING id", (name,)).fetchone()
    if row is None:
        raise NotFoundError(f"no project {name!r}")
    for table in ("scores", "comments"):
        writer._db.execute(f"DELETE FROM {table} WHERE project_id=?", row)
    writer._projects.clear()
    return True


def older_than(reader: View, project: str, before_us: int) -> dict[str, Any]:
    """What a retention up to then would delete: `{traces, spans, oldest_us}`."""
    traces, spans, oldest = reader._db.execute(
        "SELECT count(*), coalesce(sum(span_count), 0), min(start_us) FROM traces WHERE project_id=? AND start_us < ?",
        (project_id(reader, project), before_us),
    ).fetchone()
    return {"traces": traces, "spans": spans, "oldest_us": oldest}


def records(reader: View, trace_id: str) -> Iterator[dict[str, Any]]:
    """The trace as native records, which `POST /api/v1/ingest` takes back: spans, scores, comments."""
    key = key_of(trace_id)
    own = _whole(reader, stored_record(reader._db, "trace", key)) or {}
    root = own.pop("root_span", None)
    if own and root is None:
        yield own
    spans = reader._db.execute("SELECT span_id FROM spans WHERE trace_id=? ORDER BY start_us, span_id", (key,))
    for (span_id,) in spans.fetchall():
        record = span_record(reader, span_id, key)
        if record["id"] == root:
            record["trace"] = {name: own[name] for name in _OWN if own.get(name) is not None}
        yield record
    for kind in ("trace", "span"):
        yield from _score_records(reader, kind, key)
    yield from comments.records(reader, trace_id)


def span_record(reader: View, span_id: bytes, trace_id: bytes) -> dict[str, Any]:
    """One span as a native record."""
    record = _whole(reader, stored_record(reader._db, "span", span_id, trace_id)) or {}
    record["total_cost"] = record.pop("cost", None)
    return record


def _whole(reader: View, record: dict[str, Any] | None) -> dict[str, Any] | None:
    """With its media in their place."""
    put_back: dict[str, Any] | None = media.put_back(record, lambda sha: files.blob(reader._db, sha))
    return put_back


def _score_records(reader: View, kind: str, key: bytes) -> Iterator[dict[str, Any]]:
    targets = "c.target=?" if kind == "trace" else "c.target IN (SELECT span_id FROM spans WHERE trace_id=?)"
    rows = reader._db.execute(
        "SELECT c.target, c.name, c.value, c.is_bool, c.label, c.reason, c.source, c.author, c.ts_us, c.ver, p.name "
        f"FROM scores c JOIN projects p ON p.id=c.project_id WHERE c.kind='{kind}' AND {targets} ORDER BY c.ts_us",
        (key,),
    )
    for row in rows:
        yield {
            "k": "score", f"{kind}_id": id_text(row[0]), "name": row[1], **rollup.score(*row[2:6]), "source": row[6],
            "author": row[7], "ts_us": row[8], "ver": row[9], "project": row[10],
        }  # fmt: skip
