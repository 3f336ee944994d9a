"""All queries. Lists never touch payloads; pages are keyset, never OFFSET."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from trailmark_server.pricing import Price
from trailmark_server.store import files, indexer, media, prices, rollup, threads
from trailmark_server.store.codec import id_bytes, id_text, loads, opened
from trailmark_server.store.columns import columns
from trailmark_server.store.errors import NotFoundError

__all__ = ["View", "key_of"]

_ROW = (
    "t.trace_id, t.name, t.status, t.start_us, t.end_us, t.span_count, t.error_count, t.tin, t.tout, t.cost, t.models, "
    "t.user_id, t.thread_id, t.tags, t.scores, t.input_preview, t.output_preview, p.name"
)
_PAGES = ("page_count", "freelist_count", "page_size")
_FROM = "FROM traces t JOIN projects p ON p.id=t.project_id"


class View:
    """Answers from one consistent view."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def projects(self) -> list[dict[str, Any]]:
        """By their newest trace; those without traces last."""
        rows = self._db.execute(
            "SELECT p.name, count(t.trace_id), max(t.start_us) FROM projects p LEFT JOIN traces t ON t.project_id=p.id "
            "GROUP BY p.id ORDER BY max(t.start_us) DESC, p.name"
        )
        return [{"name": name, "traces": count, "last_us": last} for name, count, last in rows]

    def find(self, prefix: str) -> list[str]:
        """Trace ids that begin with the prefix, or the newest for `last`; at most ten."""
        if prefix == "last":
            rows = self._db.execute("SELECT trace_id FROM traces ORDER BY start_us DESC, trace_id DESC LIMIT 1")
        else:
            rows = self._db.execute(
                "SELECT trace_id FROM traces WHERE lower(hex(trace_id)) GLOB ? || '*' LIMIT 10",
                (prefix.replace("-", "").lower(),),
            )
        return [id_text(trace_id) for (trace_id,) in rows]

    def newest(self, limit: int, project: str | None = None) -> list[dict[str, Any]]:
        """Trace rows of all projects, newest first."""
        where = "WHERE p.name=?" if project else ""
        sql = f"SELECT {_ROW} {_FROM} {where} ORDER BY t.start_us DESC, t.trace_id DESC LIMIT ?"
        return [_trace_row(row) for row in self._db.execute(sql, (*([project] if project else []), limit))]

    def trace(self, id: str, *, whole: bool = True) -> dict[str, Any]:
        """A trace and its spans as columns; `whole`: with its media. NotFoundError when there is none."""
        trace = self.trace_head(id, whole=whole)
        cols, ids = columns(self._db, key_of(id))
        return {"v": 1, "trace": trace, "cols": cols, "total": len(ids), "seq": self._seq()}

    def trace_head(self, id: str, *, whole: bool = True) -> dict[str, Any]:
        """A trace without its spans; `whole`: with its media. NotFoundError when there is none."""
        key = key_of(id)
        found = self._db.execute(f"SELECT {_ROW} {_FROM} WHERE t.trace_id=?", (key,)).fetchone()
        if found is None:
            raise NotFoundError(f"no trace {id}")
        row = _trace_row(found)
        own = self._trace_body(key, whole)
        scores = self._scores("trace", key)
        shown = {name: row[name] for name in ("id", "project", "name", "status", "start_us", "dur_us", "thread", "user",
                                              "tags", "tin", "tout", "cost", "spans", "errors")}  # fmt: skip
        end_us = None if row["dur_us"] < 0 else row["start_us"] + row["dur_us"]
        attached = files.listed(self._db, trace_id=key)
        return {**shown, "end_us": end_us, **own, "scores": scores, "attachments": attached}

    def span(self, trace_id: str, span_id: str, *, whole: bool = True) -> dict[str, Any]:
        """One span; `whole`: with its media, else with references to `blob`. NotFoundError when there is none."""
        cursor = self._db.execute(
            "SELECT s.*, b.body, p.name AS project FROM spans s JOIN projects p ON p.id=s.project_id "
            "LEFT JOIN payloads b ON b.kind=0 AND b.seq=s.seq "
            "WHERE trace_id=? AND span_id=?",
            (key_of(trace_id), key_of(span_id)),
        )
        values = cursor.fetchone()
        if values is None:
            raise NotFoundError(f"no span {span_id} in trace {trace_id}")
        row = dict(zip([column[0] for column in cursor.description], values, strict=True))
        body = self._body(row["body"], whole)
        copied = ("name", "type", "status", "start_us", "end_us", "first_token_us", "model", "provider", "cost")
        return {
            "id": span_id, "project": row["project"], "trace_id": trace_id,
            "parent_id": id_text(row["parent_id"]) if row["parent_id"] else None,
            **{key: row[key] for key in copied}, "dur_us": _duration(row["start_us"], row["end_us"]),
            "usage": loads(row["usage"]), "tags": loads(row["tags"], []),
            "scores": self._scores("span", row["span_id"]),
            "attachments": files.listed(self._db, span_id=row["span_id"]),
            **{key: body.get(key) for key in ("input", "output", "metadata", "usage_raw", "error")}, "truncated": {},
        }  # fmt: skip

    def threads(self, project: str, *, limit: int) -> list[dict[str, Any]]:
        """Conversations, those with the newest trace first."""
        return threads.listed(self._db, project, limit)

    def prices(self) -> list[Price]:
        """The user's own."""
        return prices.listed(self._db)

    def last_span(self) -> int:
        """The highest `seq` given so far."""
        [seq] = self._db.execute("SELECT coalesce(max(seq), 0) FROM spans").fetchone()
        return int(seq)

    def thread_scores(self, thread_id: str) -> list[dict[str, Any]]:
        """Of a conversation as a whole."""
        return self._scores("thread", thread_id.encode())

    def rows_by_id(self, project: str, *, before: str | None, limit: int) -> list[dict[str, Any]]:
        """Trace rows, newest first by id."""
        where = "AND t.trace_id < ?" if before else ""
        values = (project, *([key_of(before)] if before else []), limit)
        sql = f"SELECT {_ROW} {_FROM} WHERE p.name=? {where} ORDER BY t.trace_id DESC LIMIT ?"
        return [_trace_row(row) for row in self._db.execute(sql, values)]

    def files(self, kind: str, id: str) -> list[dict[str, Any]]:
        """Attachments of a span, or of a trace without its spans'."""
        if kind == "span":
            return files.listed(self._db, span_id=key_of(id))
        return [file for file in files.listed(self._db, trace_id=key_of(id)) if file["span_id"] is None]

    def file(self, id: str) -> tuple[dict[str, Any], bytes]:
        """Name and type of an attachment, and its content. NotFoundError when there is none."""
        return files.opened(self._db, key_of(id))

    def spans_of(self, span_id: str) -> str | None:
        """The trace a span is in."""
        row = self._db.execute("SELECT trace_id FROM spans WHERE span_id=?", (key_of(span_id),)).fetchone()
        return id_text(row[0]) if row else None

    def span_ids(
        self, project: str, *, before: str | None, limit: int, trace_id: str | None = None
    ) -> list[tuple[str, str]]:
        """(trace, span) ids, newest first by span id."""
        where, values = ["p.name=?"], [project]
        more: list[bytes] = []
        if before:
            where.append("s.span_id < ?")
            more.append(key_of(before))
        if trace_id:
            where.append("s.trace_id = ?")
            more.append(key_of(trace_id))
        sql = f"SELECT s.trace_id, s.span_id FROM spans s JOIN projects p ON p.id=s.project_id WHERE {' AND '.join(where)} ORDER BY s.span_id DESC LIMIT ?"  # noqa: E501
        return [(id_text(t), id_text(s)) for t, s in self._db.execute(sql, (*values, *more, limit))]

    def blob(self, sha256: str) -> bytes:
        """The content behind a reference in a payload. NotFoundError when there is none."""
        data = files.blob(self._db, bytes.fromhex(sha256)) if re.fullmatch(r"[0-9a-f]{64}", sha256) else None
        if data is None:
            raise NotFoundError(f"no content {sha256!r}")
        return data

    def used_bytes(self) -> int:
        """Of the file, what is no free page."""
        pages, free, size = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in _PAGES)
        return int((pages - free) * size)

    def free_bytes(self) -> int:
        """Of the file, its free pages."""
        free, size = (self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in _PAGES[1:])
        return int(free * size)

    def oldest(self, limit: int, *, before_us: int | None = None, project: str | None = None) -> list[str]:
        """Ids of the traces that began first."""
        where, values = ["1"], list[Any]()
        if project is not None:
            where.append("project_id=?")
            values.append(self._project(project))
        if before_us is not None:
            where.append("start_us<?")
            values.append(before_us)
        sql = f"SELECT trace_id FROM traces WHERE {' AND '.join(where)} ORDER BY start_us, trace_id LIMIT ?"
        return [id_text(trace_id) for (trace_id,) in self._db.execute(sql, (*values, limit))]

    def waiting(self) -> list[indexer.Document]:
        """Spans and traces for the text index."""
        return indexer.waiting(self._db)

    def unindexed(self) -> int:
        """How many spans and traces the text index does not hold yet."""
        [count] = self._db.execute("SELECT count(*) FROM unindexed").fetchone()
        return int(count)

    def _body(self, packed: bytes | None, whole: bool) -> dict[str, Any]:
        if packed is None:
            return {}
        text = opened(packed)
        body: dict[str, Any] = loads(text)
        if whole and media.references(text):
            body = media.put_back(body, lambda sha: files.blob(self._db, sha))
        return body

    def _trace_body(self, key: bytes, whole: bool) -> dict[str, Any]:
        """Input, output, metadata, error: the trace's own, or its root span's."""
        root = self._db.execute(
            "SELECT r.environment, r.span_id, b.body, s.body FROM roots r "
            "LEFT JOIN payloads b ON b.kind=1 AND b.seq=r.seq "
            "LEFT JOIN spans x ON x.trace_id=r.trace_id AND x.span_id=r.span_id "
            "LEFT JOIN payloads s ON s.kind=0 AND s.seq=x.seq WHERE r.trace_id=?", (key,)
        ).fetchone()  # fmt: skip
        if root is None:
            root = (None, None, None, (self._db.execute(
                "SELECT b.body FROM spans s CROSS JOIN payloads b ON b.kind=0 AND b.seq=s.seq WHERE trace_id=? "
                "ORDER BY parent_id IS NOT NULL, start_us LIMIT 1", (key,)).fetchone() or (None,))[0])  # fmt: skip
        own, span = (self._body(packed, whole) for packed in root[2:])
        fields = {name: own.get(name, span.get(name)) for name in ("input", "output", "error")}
        return {"environment": root[0], "metadata": own.get("metadata"), **fields}

    def _scores(self, kind: str, target: bytes) -> list[dict[str, Any]]:
        rows = self._db.execute(
            "SELECT name, source, author, value, is_bool, label, reason FROM scores WHERE kind=? AND target=? "
            "ORDER BY ts_us, name", (kind, target)
        )  # fmt: skip
        return [{"name": row[0], **rollup.score(*row[3:]), "source": row[1], "author": row[2]} for row in rows]

    def _project(self, name: str) -> int:
        row = self._db.execute("SELECT id FROM projects WHERE name=?", (name,)).fetchone()
        return row[0] if row else -1

    def _seq(self) -> int:
        [seq] = self._db.execute("SELECT coalesce(max(change), 0) FROM traces").fetchone()
        return int(seq)


def key_of(id: str) -> bytes:
    """As the tables hold it. NotFoundError when it is no id."""
    try:
        return id_bytes(id)
    except ValueError:
        raise NotFoundError(f"{id!r} is no id") from None


def _duration(start: int, end: int | None) -> int:
    return -1 if end is None else max(0, end - start)


def _trace_row(row: tuple[Any, ...]) -> dict[str, Any]:
    running = row[2] == "running"
    return {
        "id": id_text(row[0]), "project": row[17], "name": row[1] or "", "status": row[2], "start_us": row[3],
        "dur_us": -1 if running else max(0, (row[4] or row[3]) - row[3]), "spans": row[5], "errors": row[6],
        "tin": row[7], "tout": row[8], "cost": row[9], "models": loads(row[10], []), "user": row[11], "thread": row[12],
        "tags": loads(row[13], []), "scores": loads(row[14], {}), "in": row[15] or "", "out": row[16] or "",
    }  # fmt: skip
