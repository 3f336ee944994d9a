"""All changes to the store. Per id the highest version wins whole, so order and repetition do not matter."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from trailmark_server.pricing import Price, priced
from trailmark_server.store import edits, facts, files, indexer, prices, rollup, sides, spooled
from trailmark_server.store.codec import id_bytes, id_text
from trailmark_server.store.erase import erase
from trailmark_server.store.protocol import Repriced
from trailmark_server.store.rows import Packed, Root, leaves, pack_record, pack_records
from trailmark_server.store.statements import COMMENT, FIND_ROOT, FIND_SPAN, INSERT, SCORE, UPDATE
from trailmark_server.store.stored import stored_record

__all__ = ["Transaction"]

_SPAN, _ROOT = 0, 1
_RANK: Final = ("running", "interrupted")


class Transaction:
    """Used inside the store's transaction, by its one thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._projects: dict[str, int] = {}
        self._touched: set[bytes] = set()
        self.forget()

    def put(self, records: Iterable[dict[str, Any] | Packed], owner: str = "") -> None:
        """Store validated records (`ingest.records`). `owner`: whose open spans these are, if of a local process."""
        packed = pack_records(records)
        deleted = self._deleted(packed)
        for item in packed:
            kind = item.record["k"]
            if deleted and (item.trace_id or _trace_of(item.record)) in deleted:
                continue
            if kind == "span":
                self._put_span(item, owner)
            elif kind == "trace":
                self._put_trace(item, owner)
            elif kind == "patch":
                record = item.record
                target = "span" if record.get("span_id") else "trace"
                self.edit(target, record[f"{target}_id"], record["changes"], ver=record["ver"], edit_id=record["id"])
            elif kind == "file":
                files.put(self._db, self.project(item.record["project"]), item.record)
            elif kind == "comment":
                self._put_comment(item.record)
            else:
                self._put_score_record(item.record)

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
            for base in edits.bases(self._db, (("span", span_id), ("trace", trace_id))):
                if base["status"] == "running":
                    self.put([{**base, "status": "interrupted"}])
        self._db.execute("DELETE FROM running WHERE owner=?", (owner,))

    def owners(self) -> list[str]:
        """Owners with open spans."""
        return [owner for (owner,) in self._db.execute("SELECT DISTINCT owner FROM running")]

    def patch(self, kind: str, id: str, changes: dict[str, Any], *, ver: int | None = None, edit_id: str = "") -> None:
        """Set some fields of a span or trace as of `ver` (now); kept, so the order of edits and records is all one."""
        key, now = id_bytes(id), time.time_ns()
        if not edits.add(self._db, kind, key, ver or now // 1000, edit_id or str(now), changes):
            return
        self._has_edits = True
        base = next(edits.bases(self._db, ((kind, key),)), None)
        if base is None and (base := stored_record(self._db, kind, key)) is not None and base["ver"]:
            edits.rebase(self._db, kind, key, base)
        if base is not None and base["ver"]:
            self._fold(kind, key, base)
        elif kind == "trace" or "trace_id" in changes:
            self._fold(kind, key, base or edits.placeholder(kind, id, now // 1000))

    def edit(self, kind: str, id: str, changes: dict[str, Any], *, ver: int | None = None, edit_id: str = "") -> None:
        """As `patch`, but merges metadata and adds tags."""
        merging = {f"+{key}" if key in ("metadata", "tags") else key: value for key, value in changes.items()}
        self.patch(kind, id, merging, ver=ver, edit_id=edit_id)

    def know(self, of_traces: Iterable[dict[str, Any]]) -> None:
        """What spans say of their traces: `{trace_id, thread_id?, user_id?, tags?}`; the root's own word wins."""
        for one in of_traces:
            if not self._is_deleted(id_bytes(one["trace_id"])):
                self._touched.add(facts.know(self._db, one))

    def delete_trace(self, id: str) -> bool:
        """Everything of the trace, for good: what is sent of it later is ignored. Whether there was something."""
        key = id_bytes(id)
        self._db.execute("INSERT OR IGNORE INTO deleted VALUES(?,?)", (key, time.time_ns() // 1000))
        self._has_deleted = True
        return self.erase_trace(id)

    def erase_trace(self, id: str) -> bool:
        """Everything of the trace; what is sent of it later is stored again. Whether there was something."""
        self._touched.add(id_bytes(id))
        return erase(self._db, id_bytes(id))

    def vacuum(self, pages: int) -> None:
        """Give so many free pages back to the disk."""
        self._db.execute(f"PRAGMA incremental_vacuum({int(pages)})").fetchall()

    def advance(self, segment: str, reached: dict[int, int]) -> bool:
        """A spool file was read so far; False when it had been before."""
        return spooled.advance(self._db, segment, reached)

    def finish(self, segment: str) -> None:
        """A spool file was read to its end and is gone."""
        spooled.finish(self._db, segment)

    def delete_score(self, kind: str, id: str, name: str) -> None:
        """All scores of that name."""
        target = id.encode() if kind == "thread" else id_bytes(id)
        self._db.execute("DELETE FROM scores WHERE kind=? AND target=? AND name=?", (kind, target, name))
        self._touch(kind, target)

    def delete_files(self, ids: list[str]) -> None:
        """Attachments, by their ids."""
        files.delete(self._db, [id_bytes(id) for id in ids])

    def set_price(self, price: Price) -> None:
        """A price of the user's own, for what comes; `store.reprice` for what is there."""
        prices.put(self._db, price)

    def drop_price(self, model: str, provider: str = "") -> bool:
        """Whether there was one."""
        return prices.drop(self._db, model, provider)

    def reprice(self, after: int, until: int) -> tuple[int, Repriced]:
        """A page of `store.reprice`."""
        return prices.reprice_page(self._db, after, until, self._touched)

    def index(self, documents: list[indexer.Document]) -> None:
        """Put them into the text index; one that is damaged is made anew."""
        with self._mending():
            indexer.index(self._db, documents)

    def merge_text(self) -> bool:
        """A step of joining the parts of the text index; whether there is more to do."""
        with self._mending():
            return indexer.merge(self._db)
        return False

    @contextmanager
    def _mending(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_CORRUPT_VTAB:
                raise
            indexer.rebuild(self._db)

    def roll_up(self) -> None:
        """Recompute the list rows of what was touched."""
        touched: set[tuple[int, str]] = set()
        for trace_id in self._touched:
            self._change += 1
            touched |= rollup.trace(self._db, trace_id, self._change)
        for project_id, thread_id in touched:
            rollup.thread(self._db, project_id, thread_id)
        self._touched.clear()

    def forget(self) -> None:
        """At the start and after a rollback: nothing was touched, nothing is known."""
        self._touched.clear()
        self._projects.clear()
        self._change, self._has_edits, self._has_deleted = self._db.execute(
            "SELECT max(coalesce((SELECT max(change) FROM traces), 0), "
            "coalesce((SELECT max(change) FROM removals), 0)), "
            "EXISTS(SELECT 1 FROM edits), EXISTS(SELECT 1 FROM deleted)"
        ).fetchone()

    def project(self, name: str) -> int:
        """Its number; made on first use."""
        if name not in self._projects:
            now = time.time_ns() // 1000
            self._db.execute("INSERT OR IGNORE INTO projects(name, created_us) VALUES(?,?)", (name, now))
            [self._projects[name]] = self._db.execute("SELECT id FROM projects WHERE name=?", (name,)).fetchone()
        return self._projects[name]

    def _deleted(self, packed: list[Packed]) -> set[bytes]:
        if not self._has_deleted:
            return set()
        return set(filter(self._is_deleted, {item.trace_id or _trace_of(item.record) for item in packed}))

    def _is_deleted(self, trace_id: bytes) -> bool:
        found = self._has_deleted and self._db.execute("SELECT 1 FROM deleted WHERE trace_id=?", (trace_id,)).fetchone()
        return bool(found)

    def _put_span(self, item: Packed, owner: str) -> None:
        record, trace_id, span_id = item.record, item.trace_id, item.span_id
        assert span_id is not None
        self._touched.add(trace_id)
        self._put_scores("span", span_id, record, record.get("scores") or [])
        is_stored = self._put_span_row(item, trace_id, span_id, owner)
        is_root = item.root is not None and self._put_root(item, item.root, span_id)
        if is_root != is_stored and (is_root or record.get("parent_id") is None):
            self._inherit(trace_id, span_id)

    def _put_span_row(self, item: Packed, trace_id: bytes, span_id: bytes, owner: str) -> bool:
        record = item.record
        if self._is_folded("span", span_id, record):
            return False
        found = self._db.execute(FIND_SPAN, (trace_id, span_id)).fetchone()
        if found is not None and (record["ver"], _rank(record["status"])) <= (found[1], _rank(found[2])):
            return False
        row = (self.project(record["project"]), trace_id, span_id, *item.row)
        self._store(_SPAN, found, row, item.body, item.media)
        self._mark_running(record["status"], owner, trace_id, span_id)
        return True

    def _put_trace(self, item: Packed, owner: str) -> None:
        assert item.root is not None
        self._touched.add(item.trace_id)
        if self._put_root(item, item.root, None):
            self._mark_running(item.record["status"], owner, item.trace_id, b"")

    def _put_root(self, item: Packed, root: Root, span_id: bytes | None) -> bool:
        record, trace_id = item.record, item.trace_id
        own = record if span_id is None else record["trace"] or {}
        self._put_scores("trace", trace_id, record, own.get("scores") or [])
        if self._is_folded("trace", trace_id, record if span_id is None else edits.of_root(record, own)):
            return True
        found = self._db.execute(FIND_ROOT, (trace_id,)).fetchone()
        rank = (record["ver"], _rank(record["status"]), span_id is None, span_id or b"")
        if found is not None and rank <= (found[1], _rank(found[2]), found[4] is None, found[4] or b""):
            return False
        self._store_root(item, root, span_id, found)
        return True

    def _store_root(self, item: Packed, root: Root, span_id: bytes | None, found: tuple[Any, ...] | None) -> None:
        project_id, trace_id = self.project(item.record["project"]), item.trace_id
        start_us = item.record["start_us"]
        sides.put_meta(self._db, project_id, start_us, trace_id, root.meta, is_new=found is None)
        row = (project_id, trace_id, span_id, *root.row)
        self._store(_ROOT, found, row, root.body, root.media)

    def _store(
        self, kind: int, found: tuple[Any, ...] | None, row: tuple[Any, ...], body: bytes,
        held: dict[bytes, bytes] | None
    ) -> None:  # fmt: skip
        """A row that wins, its payload and its media; `found`: the row it replaces."""
        if found is None:
            [seq] = self._db.execute(INSERT[kind], row).fetchone()
            self._db.execute("INSERT INTO payloads VALUES(?,?,?)", (kind, seq, body))
            self._db.execute("INSERT OR IGNORE INTO unindexed(kind, seq) VALUES(?,?)", (kind, seq))
        else:
            seq = found[0]
            self._db.execute(UPDATE[kind], (*row, seq))
            self._db.execute(
                "INSERT OR IGNORE INTO unindexed SELECT kind, seq, ?, body FROM payloads WHERE kind=? AND seq=?",
                (found[3], kind, seq),
            )
            self._db.execute("INSERT OR REPLACE INTO payloads VALUES(?,?,?)", (kind, seq, body))
        if held or found is not None:
            files.hold(self._db, kind, seq, held or {})

    def _is_folded(self, kind: str, key: bytes, record: dict[str, Any]) -> bool:
        """Whether the record went under the edits of its id."""
        if not self._has_edits or not edits.known(self._db, kind, key):
            return False
        base = next(edits.bases(self._db, ((kind, key),)), None)
        if base is None or _order(record) > _order(base):
            edits.rebase(self._db, kind, key, record)
            self._fold(kind, key, record)
        return True

    def _fold(self, kind: str, key: bytes, base: dict[str, Any]) -> None:
        """Store the snapshot with the edits after it."""
        record = edits.folded(self._db, kind, key, base)
        item = pack_record(priced(record, prices.listed(self._db)) if kind == "span" else record)
        self._touched.add(item.trace_id)
        if kind == "trace":
            self._fold_root(item)
            return
        found = self._db.execute(FIND_SPAN, (item.trace_id, item.span_id)).fetchone()
        row = (self.project(item.record["project"]), item.trace_id, item.span_id, *item.row)
        self._store(_SPAN, found, row, item.body, item.media)
        self._inherit(item.trace_id, key)

    def _fold_root(self, item: Packed) -> None:
        assert item.root is not None
        root = replace(item.root, meta=self._meta(item.record))
        span_id = id_bytes(item.record["root_span"]) if item.record.get("root_span") else None
        self._store_root(item, root, span_id, self._db.execute(FIND_ROOT, (item.trace_id,)).fetchone())

    def _inherit(self, trace_id: bytes, span_id: bytes) -> None:
        """The span changed apart from the trace whose root it may be: what that is found by may have changed too."""
        record = stored_record(self._db, "trace", trace_id)
        if record is not None and record.get("root_span") == id_text(span_id):
            project_id = self.project(record["project"])
            meta = self._meta(record)
            sides.put_meta(self._db, project_id, record["start_us"], trace_id, meta, is_new=False)

    def _meta(self, record: dict[str, Any]) -> list[tuple[str, str | float]]:
        """Of a trace's record and its root span's."""
        told = [record.get("metadata")]
        if record.get("root_span"):
            span = stored_record(self._db, "span", id_bytes(record["root_span"]), id_bytes(record["id"]))
            told.insert(0, (span or {}).get("metadata"))
        return list(leaves({key: value for part in told if isinstance(part, dict) for key, value in part.items()}))

    def _mark_running(self, status: str, owner: str, trace_id: bytes, span_id: bytes) -> None:
        if status == "running" and owner:
            self._db.execute("INSERT OR IGNORE INTO running VALUES(?,?,?)", (owner, trace_id, span_id))
        elif owner:
            self._db.execute(
                "DELETE FROM running WHERE owner=? AND trace_id=? AND span_id=?", (owner, trace_id, span_id)
            )

    def _put_scores(self, kind: str, target: bytes, record: dict[str, Any], scores: list[dict[str, Any]]) -> None:
        if not scores:
            return
        ts_us = record["ver"] if record["ver"] > 1_000_000 else record.get("end_us") or record["start_us"]
        for score in scores:
            self._put_score(kind, target, record["project"], score, "sdk", "", ts_us, record["ver"])

    def _put_comment(self, record: dict[str, Any]) -> None:
        kind = next(kind for kind in ("span", "trace", "thread") if record.get(f"{kind}_id"))
        target = record["thread_id"].encode() if kind == "thread" else id_bytes(record[f"{kind}_id"])
        row = (id_bytes(record["id"]), kind, target, self.project(record["project"]), record["text"])
        self._db.execute(COMMENT, (*row, record.get("author") or "", record["ts_us"], record["ver"]))

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
        self._db.execute(SCORE, row)
        self._touch(kind, target)

    def _touch(self, kind: str, target: bytes) -> None:
        if kind == "trace":
            self._touched.add(target)
        elif kind == "span":
            self._touched.update(
                t for (t,) in self._db.execute("SELECT trace_id FROM spans WHERE span_id=?", (target,))
            )


def _rank(status: str) -> int:
    """Of one version: an open record is the least, its interruption more, and what it says itself the most."""
    return _RANK.index(status) if status in _RANK else len(_RANK)


def _order(record: dict[str, Any]) -> tuple[int, int, bool, str]:
    """Which of two snapshots of one id is the newer; of traces, its own record before a root span's."""
    root = record.get("root_span")
    return record["ver"], _rank(record["status"]), root is None, root or ""


def _trace_of(record: dict[str, Any]) -> bytes:
    id = record["id"] if record["k"] == "trace" else record.get("trace_id")
    return id_bytes(id) if id else b""
