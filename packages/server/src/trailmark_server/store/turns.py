"""A conversation in the order it was held, and pages of conversations."""

from __future__ import annotations

from typing import Any, Final

from trailmark_server.query import parse
from trailmark_server.store import rollup, threads
from trailmark_server.store.codec import id_text
from trailmark_server.store.errors import NotFoundError
from trailmark_server.store.filters import trace_condition
from trailmark_server.store.lists import cursor_of, open_cursor, project_id, where_of
from trailmark_server.store.questions import Bounds
from trailmark_server.store.read import View

__all__ = ["page", "thread"]

_PAGE: Final = """
SELECT h.thread_id, h.first_us, h.end_us, h.trace_count, h.tin, h.tout, h.cost, h.user_id, h.error_count, h.running,
  h.first_trace, h.last_trace, f.input_preview, l.output_preview, h.last_us
FROM threads h JOIN traces f ON f.trace_id=h.first_trace JOIN traces l ON l.trace_id=h.last_trace
WHERE h.project_id=? AND {} ORDER BY h.last_us DESC, h.thread_id DESC LIMIT ?
"""


def page(reader: View, project: str, *, query: str, bounds: Bounds, limit: int, cursor: str | None) -> dict[str, Any]:
    """Conversations with a trace that matches, those with the newest trace first."""
    number = project_id(reader, project)
    where = ["1"]
    values: list[Any] = []
    if query.strip() or bounds != (None, None):
        condition, values = where_of(trace_condition(parse(query)), "t", number, bounds)
        where.append(f"EXISTS(SELECT 1 FROM traces t WHERE t.thread_id=h.thread_id AND {condition})")
    if cursor:
        newest, id = open_cursor(cursor, "-newest")
        where.append("(h.last_us, h.thread_id) < (?, ?)")
        values += [newest, id.decode()]
    rows = reader._db.execute(_PAGE.format(" AND ".join(where)), (number, *values, limit + 1)).fetchall()
    shown = [threads._shown(row) for row in rows[:limit]]
    for row in shown:
        scores = _scores(reader, number, row["id"])
        row["scores"] = {one["name"]: {key: one[key] for key in ("value", "label", "reason")} for one in scores}
    last = rows[limit - 1] if len(rows) > limit else None
    return {"rows": shown, "next": cursor_of("-newest", last[-1], last[0].encode()) if last else None}


def thread(reader: View, project: str, id: str, *, after: int, limit: int) -> dict[str, Any]:
    """Its turns, oldest first, whole. NotFoundError when there is none."""
    number = project_id(reader, project)
    [total] = reader._db.execute(
        "SELECT count(*) FROM traces WHERE project_id=? AND thread_id=?", (number, id)
    ).fetchone()
    if not total:
        raise NotFoundError(f"no thread {id!r} in project {project!r}")
    rows = reader._db.execute(
        "SELECT trace_id FROM traces WHERE project_id=? AND thread_id=? ORDER BY start_us, trace_id LIMIT ? OFFSET ?",
        (number, id, limit, after),
    )
    turns = [_turn(reader.trace_head(id_text(trace_id), whole=False)) for (trace_id,) in rows.fetchall()]
    more = after + limit if total > after + limit else None
    return {"id": id, "project": project, "turns": turns, "scores": _scores(reader, number, id), "total": total,
            "next": more}  # fmt: skip


def _turn(trace: dict[str, Any]) -> dict[str, Any]:
    copied = (
        "name",
        "status",
        "start_us",
        "dur_us",
        "input",
        "output",
        "error",
        "tin",
        "tout",
        "cost",
        "errors",
        "scores",
    )
    return {"trace_id": trace["id"], **{name: trace[name] for name in copied}, "truncated": {}}


def _scores(reader: View, project: int, id: str) -> list[dict[str, Any]]:
    rows = reader._db.execute(
        "SELECT name, source, author, value, is_bool, label, reason FROM scores WHERE kind='thread' AND target=? "
        "AND project_id=? ORDER BY ts_us, name",
        (id.encode(), project),
    )
    return [{"name": row[0], **rollup.score(*row[3:]), "source": row[1], "author": row[2]} for row in rows]
