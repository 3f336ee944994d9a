"""All changes to the store. Per id the highest version wins whole, so order and repetition do not matter."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from typing import Any

from trailmark_server.store import facts, files, rollup
from trailmark_server.store.codec import dumps, id_bytes, loads, pack, preview, unpack

__all__ = ["Writer"]

_SPAN_PAYLOAD, _ROOT_PAYLOAD = 0, 1
_BODY = ("input", "output", "metadata", "usage_raw", "error")
_WINS = "excluded.ver > {0}.ver OR (excluded.ver = {0}.ver AND excluded.status = 'interrupted')"


def _upsert(table: str, columns: str, key: str) -> str:
    names = columns.split()
    sets = ", ".join(f"{name}=excluded.{name}" for name in names if name not in key)
    marks = ", ".join("?" * len(names))
    wins = _WINS.format(table)
    return (
        f"INSERT INTO {table}({', '.join(names)}) VALUES({marks}) "
        f"ON CONFLICT({key}) DO UPDATE SET {sets} WHERE {wins} RETURNING seq"
    )


_SPAN = _upsert(
    "spans",
    "project_id trace_id span_id parent_id name type status start_us end_us first_token_us model provider usage "
    "tin tout cost error_type tags input_preview output_preview ver",
    "trace_id, span_id",
)
_ROOT = _upsert(
    "roots",
    "trace_id project_id span_id name status start_us end_us thread_id user_id environment tags input_preview "
    "output_preview ver",
    "trace_id",
)
_SCORE = (
    "INSERT INTO scores(kind, target, name, source, author, project_id, value, is_bool, label, reason, ts_us, ver) "
    "VALUES(?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(kind, target, name, source, author) DO UPDATE SET "
    "value=excluded.value, is_bool=excluded.is_bool, label=excluded.label, reason=excluded.reason, "
    "ts_us=excluded.ts_us, ver=excluded.ver, "
    "project_id=excluded.project_id WHERE excluded.ver >= scores.ver"
)


_MERGED = ("metadata", "tags")
_DELETE = (
    "DELETE FROM payloads WHERE kind=0 AND seq IN (SELECT seq FROM spans WHERE trace_id=?)",
    "DELETE FROM payloads WHERE kind=1 AND seq IN (SELECT seq FROM roots WHERE trace_id=?)",
    "DELETE FROM scores WHERE kind='span' AND target IN (SELECT span_id FROM spans WHERE trace_id=?)",
    "DELETE FROM scores WHERE kind='trace' AND target=?",
    "DELETE FROM running WHERE trace_id=?",
    "DELETE FROM patches WHERE kind='trace' AND id=?",
    "DELETE FROM trace_facts WHERE trace_id=?",
    "DELETE FROM spans WHERE trace_id=?",
    "DELETE FROM roots WHERE trace_id=?",
)


class Writer:
    """Used inside the store's transaction, by its one thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._projects: dict[str, int] = {}
        self._touched: set[bytes] = set()
        [self._change] = db.execute("SELECT coalesce(max(change), 0) FROM traces").fetchone()

    def put(self, records: Iterable[dict[str, Any]], owner: str = "") -> None:
        """Store validated records (`ingest.records`). `owner`: whose open spans these are, if of a local process."""
        for record in records:
            if self._is_deleted(record):
                continue
            if record["k"] == "span":
                self._put_span(record, owner)
            elif record["k"] == "trace":
                self._put_root(record, record, id_bytes(record["id"]), None, owner)
            elif record["k"] == "patch":
                kind = "span" if record.get("span_id") else "trace"
                self.edit(kind, record[f"{kind}_id"], record["changes"])
            elif record["k"] == "file":
                files.put(self._db, self.project(record["project"]), record)
            else:
                self._put_score_record(record)

    def interrupt(self, owner: str) -> None:
        """The owner died: what it left open is interrupted, unless its end is still to come."""
        rows = self._db.execute("SELECT trace_id, span_id FROM running WHERE owner=?", (owner,)).fetchall()
        for trace_id, span_id in rows:
            where = (trace_id, span_id)
            self._db.execute(
                "UPDATE spans SET status='interrupted' WHERE trace_id=? AND span_id=? AND status='running'", where
            )
            self._db.execute(
                "UPDATE roots SET status='interrupted' WHERE trace_id=? AND status='running' "
                "AND coalesce(span_id, x'') = ?",
                where,
            )
            self._touched.add(trace_id)
        self._db.execute("DELETE FROM running WHERE owner=?", (owner,))

    def owners(self) -> list[str]:
        """Owners with open spans."""
        return [owner for (owner,) in self._db.execute("SELECT DISTINCT owner FROM running")]

    def patch(self, kind: str, id: str, changes: dict[str, Any]) -> None:
        """Set some fields of a span or trace; kept and applied later when it is not known yet."""
        record = self._record(kind, id_bytes(id))
        if record is None or not record["ver"]:
            n = time.time_ns()
            self._db.execute("INSERT INTO patches VALUES(?,?,?,?)", (kind, id_bytes(id), n, dumps(changes)))
            if kind == "trace" or "trace_id" in changes:
                self.put(
                    [{**_placeholder(kind, id, n // 1000), **_merged({}, changes)}]
                )  # version 0: whatever comes replaces it
            return
        merged = {**record, **_merged(record, changes), "ver": max(record["ver"] + 1, time.time_ns() // 1000)}
        if merged["status"] == "running" and merged.get("end_us") is not None:
            merged["status"] = "error" if merged.get("error") else "ok"
        self.put([merged])

    def edit(self, kind: str, id: str, changes: dict[str, Any]) -> None:
        """As `patch`, but merges metadata and adds tags: sent again, in order, it changes nothing."""
        self.patch(kind, id, {f"+{key}" if key in _MERGED else key: value for key, value in changes.items()})

    def know(self, of_traces: Iterable[dict[str, Any]]) -> None:
        """What spans say of their traces: `{trace_id, thread_id?, user_id?, tags?}`; the root's own word wins."""
        for one in of_traces:
            if not self._is_deleted({"k": "span", **one}):
                self._touched.add(facts.know(self._db, one))

    def delete_trace(self, id: str) -> bool:
        """Everything of the trace, for good: what is sent of it later is ignored. Whether there was something."""
        key = id_bytes(id)
        self._db.execute("INSERT OR IGNORE INTO deleted VALUES(?,?)", (key, time.time_ns() // 1000))
        [found] = self._db.execute("SELECT count(*) FROM traces WHERE trace_id=?", (key,)).fetchone()
        files.delete_of_trace(self._db, key)
        for sql in _DELETE:
            self._db.execute(sql, (key,))
        self._touched.add(key)
        return bool(found)

    def delete_score(self, kind: str, id: str, name: str) -> None:
        """All scores of that name."""
        self._db.execute("DELETE FROM scores WHERE kind=? AND target=? AND name=?", (kind, id_bytes(id), name))
        self._touch(kind, id_bytes(id))

    def delete_files(self, ids: list[str]) -> None:
        """Attachments, by their ids."""
        files.delete(self._db, [id_bytes(id) for id in ids])

    def roll_up(self) -> None:
        """Recompute the list rows of what was touched."""
        for trace_id in self._touched:
            self._change += 1
            rollup.trace(self._db, trace_id, self._change)
        self._touched.clear()

    def forget(self) -> None:
        """After a rollback: nothing was touched, and projects may be unknown again."""
        self._touched.clear()
        self._projects.clear()

    def project(self, name: str) -> int:
        """Its number; made on first use."""
        if name not in self._projects:
            now = time.time_ns() // 1000
            self._db.execute("INSERT OR IGNORE INTO projects(name, created_us) VALUES(?,?)", (name, now))
            [self._projects[name]] = self._db.execute("SELECT id FROM projects WHERE name=?", (name,)).fetchone()
        return self._projects[name]

    def _is_deleted(self, record: dict[str, Any]) -> bool:
        trace_id = record["id"] if record["k"] == "trace" else record.get("trace_id")
        if not trace_id:
            return False
        found = self._db.execute("SELECT 1 FROM deleted WHERE trace_id=?", (id_bytes(trace_id),)).fetchone()
        return found is not None

    def _put_span(self, record: dict[str, Any], owner: str) -> None:
        trace_id, span_id = id_bytes(record["trace_id"]), id_bytes(record["id"])
        parent = id_bytes(record["parent_id"]) if record.get("parent_id") else None
        usage = record.get("usage")
        error = record.get("error") or {}
        row = (
            self.project(record["project"]), trace_id, span_id, parent, record["name"], record["type"],
            record["status"], record["start_us"], record.get("end_us"), record.get("first_token_us"),
            record.get("model"),
            record.get("provider"), dumps(usage) if usage else None, _tokens(usage, "input"), _tokens(usage, "output"),
            record.get("cost"), error.get("type"), _json_or_none(record.get("tags")), preview(record.get("input")),
            preview(record.get("output")), record["ver"],
        )  # fmt: skip
        self._touched.add(trace_id)
        if (stored := self._db.execute(_SPAN, row).fetchone()) is None:
            return
        self._put_body(_SPAN_PAYLOAD, stored[0], record)
        self._mark_running(record["status"], owner, trace_id, span_id)
        self._put_scores("span", span_id, record, record.get("scores") or [])
        if "trace" in record:
            self._put_root(record, record["trace"] or {}, trace_id, span_id, "")
        self._apply_patches("span", record["id"], span_id, record["ver"])

    def _put_root(
        self, record: dict[str, Any], own: dict[str, Any], trace_id: bytes, span_id: bytes | None, owner: str
    ) -> None:
        row = (
            trace_id, self.project(record["project"]), span_id, own.get("name") or record.get("name"), record["status"],
            record["start_us"], record.get("end_us"), own.get("thread_id"), own.get("user_id"), own.get("environment"),
            _json_or_none(own.get("tags")), preview(own.get("input", record.get("input"))),
            preview(own.get("output", record.get("output"))), record["ver"],
        )  # fmt: skip
        self._touched.add(trace_id)
        if (stored := self._db.execute(_ROOT, row).fetchone()) is None:
            return
        self._put_body(_ROOT_PAYLOAD, stored[0], own)
        if span_id is None:
            self._mark_running(record["status"], owner, trace_id, b"")
            self._apply_patches("trace", record["id"], trace_id, record["ver"])
        self._put_scores("trace", trace_id, record, own.get("scores") or [])

    def _put_body(self, kind: int, seq: int, record: dict[str, Any]) -> None:
        kept = [key for key in _BODY if key in record and (record[key] is not None or key in ("input", "output"))]
        body = {key: record[key] for key in kept}
        self._db.execute("INSERT OR REPLACE INTO payloads VALUES(?,?,?)", (kind, seq, pack(body)))

    def _mark_running(self, status: str, owner: str, trace_id: bytes, span_id: bytes) -> None:
        if status == "running" and owner:
            self._db.execute("INSERT OR IGNORE INTO running VALUES(?,?,?)", (owner, trace_id, span_id))
        elif owner:
            self._db.execute(
                "DELETE FROM running WHERE owner=? AND trace_id=? AND span_id=?", (owner, trace_id, span_id)
            )

    def _put_scores(self, kind: str, target: bytes, record: dict[str, Any], scores: list[dict[str, Any]]) -> None:
        ts_us = record["ver"] if record["ver"] > 2 else record.get("end_us") or record["start_us"]
        for score in scores:
            self._put_score(kind, target, record["project"], score, "sdk", "", ts_us, record["ver"])

    def _put_score_record(self, record: dict[str, Any]) -> None:
        given = (record.get("source") or "sdk", record.get("author") or "", record["ts_us"], record["ver"])
        if record.get("span_id"):
            self._put_score("span", id_bytes(record["span_id"]), record["project"], record, *given)
        elif record.get("trace_id"):
            self._put_score("trace", id_bytes(record["trace_id"]), record["project"], record, *given)
        else:
            self._put_score("thread", record["thread_id"].encode(), record["project"], record, *given)

    def _put_score(
        self,
        kind: str,
        target: bytes,
        project: str,
        score: dict[str, Any],
        source: str,
        author: str,
        ts_us: int,
        ver: int,
    ) -> None:
        value = score.get("value")
        row = (kind, target, score["name"], source, author, self.project(project), value, isinstance(value, bool),
               score.get("label"), score.get("reason"), ts_us, ver)  # fmt: skip
        self._db.execute(_SCORE, row)
        self._touch(kind, target)

    def _touch(self, kind: str, target: bytes) -> None:
        if kind == "trace":
            self._touched.add(target)
        elif kind == "span":
            self._touched.update(
                t for (t,) in self._db.execute("SELECT trace_id FROM spans WHERE span_id=?", (target,))
            )

    def _apply_patches(self, kind: str, id: str, key: bytes, ver: int) -> None:
        if not ver:
            return
        rows = self._db.execute("SELECT body FROM patches WHERE kind=? AND id=? ORDER BY n", (kind, key)).fetchall()
        if rows:
            self._db.execute("DELETE FROM patches WHERE kind=? AND id=?", (kind, key))
            for (body,) in rows:
                self.patch(kind, id, loads(body))

    def _record(self, kind: str, key: bytes) -> dict[str, Any] | None:
        """A stored record in the shape it came in."""
        table, column, payload = (
            ("spans", "span_id", _SPAN_PAYLOAD) if kind == "span" else ("roots", "trace_id", _ROOT_PAYLOAD)
        )
        cursor = self._db.execute(
            f"SELECT t.*, p.name AS project, b.body FROM {table} t JOIN projects p ON p.id=t.project_id "  # noqa: S608
            f"LEFT JOIN payloads b ON b.kind=? AND b.seq=t.seq WHERE t.{column}=?",
            (payload, key),
        )
        row = cursor.fetchone()
        if row is None:
            return None
        names = [column[0] for column in cursor.description]
        record = {name: value for name, value in zip(names, row, strict=True) if value is not None}
        return rollup.as_record(kind, record, unpack(record["body"]) if "body" in record else {})


def _merged(record: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = {key: value for key, value in changes.items() if not key.startswith("+")}
    if "+metadata" in changes:
        merged["metadata"] = {**(record.get("metadata") or {}), **changes["+metadata"]}
    if "+tags" in changes:
        merged["tags"] = list(dict.fromkeys([*(record.get("tags") or []), *changes["+tags"]]))
    return merged


def _placeholder(kind: str, id: str, now_us: int) -> dict[str, Any]:
    fixed = {"name": "", "type": "general", "status": "running", "parent_id": None, "project": "Default Project"}
    return {"k": kind, "id": id, "ver": 0, "start_us": now_us, "end_us": None, **fixed}


def _tokens(usage: dict[str, int] | None, prefix: str) -> int | None:
    return sum(n for part, n in usage.items() if part.startswith(prefix)) if usage else None


def _json_or_none(value: Any) -> str | None:
    return dumps(value) if value else None
