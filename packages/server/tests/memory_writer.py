"""The protocol's changes, made in memory."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable
from typing import Any

from trailmark_server.pricing import Price, cost_of
from trailmark_server.store import (
    ExistsError,
    NotFoundError,
    Repriced,
)

from .memory_rows import (
    State,
    score_id,
)
from .reference import Record


class MemoryWriter:
    def __init__(self, state: State) -> None:
        self._state = state

    def put(self, records: Iterable[Record], owner: str = "") -> None:
        for record in records:
            trace = record["id"] if record["k"] == "trace" else record.get("trace_id") or self._trace_of(record)
            if trace in self._state.plain.deleted:
                continue
            before = self._project_of(trace)
            if record.get("project"):
                self.project(record["project"])
            if record["k"] == "file":
                self._state.files[record["id"]] = {"trace_id": None, "span_id": None, **record}
            elif record["k"] == "score":
                self._score(record)
            elif record["k"] == "comment":
                old = self._state.comments.get(record["id"])
                if old is None or (record["ver"], record["text"]) > (old["ver"], old["text"]):
                    self._state.comments[record["id"]] = record
            else:
                self._state.plain.put([record])
            if owner and record["k"] in ("span", "trace"):
                mine = self._state.owners.setdefault(owner, set())
                (mine.add if record["status"] == "running" else mine.discard)((record["k"], record["id"]))
            if trace:
                self._touch(trace)
                if before not in (None, self._project_of(trace)):
                    self._state.removed.append((self._state.change, before, trace))

    def know(self, of_traces: Iterable[Record]) -> None:
        for one in of_traces:
            told = {key: value for key, value in one.items() if key != "trace_id" and value}
            root = self._state.plain.newest.get(("trace", one["trace_id"]))
            if root is not None:
                self._state.plain.newest["trace", one["trace_id"]] = {**told, **root}
                self._touch(one["trace_id"])

    def patch(self, kind: str, id: str, changes: Record, *, ver: int | None = None, edit_id: str = "") -> None:
        at = ver or time.time_ns() // 1000
        self._state.plain.edits.setdefault((kind, id), {})[at, edit_id or str(at)] = changes
        self._touch(id if kind == "trace" else self._state.plain.newest["span", id]["trace_id"])

    def edit(self, kind: str, id: str, changes: Record, *, ver: int | None = None, edit_id: str = "") -> None:
        merging = {f"+{key}" if key in ("metadata", "tags") else key: value for key, value in changes.items()}
        self.patch(kind, id, merging, ver=ver, edit_id=edit_id)

    def delete_trace(self, id: str) -> bool:
        had = self.erase_trace(id)
        self._state.plain.delete_trace(id)
        return had

    def erase_trace(self, id: str) -> bool:
        row = next((row for row in self._state.rows() if row["id"] == id), None)
        if row is None:
            return False
        gone = {("trace", id), *(("span", span["id"]) for span in row["of"])}
        plain = self._state.plain
        plain.newest = {key: one for key, one in plain.newest.items() if key not in gone}
        plain.edits = {key: one for key, one in plain.edits.items() if key not in gone}
        plain.scores = {key: one for key, one in plain.scores.items() if key[:2] not in gone}
        self._state.comments = {
            key: one for key, one in self._state.comments.items()
            if ("span", one.get("span_id")) not in gone and one.get("trace_id") != id
        }  # fmt: skip
        files = self._state.files
        self._state.files = {
            key: one for key, one in files.items() if ("span", one["span_id"]) not in gone and one["trace_id"] != id
        }
        self._state.change += 1
        self._state.removed.append((self._state.change, row["project"], id))
        return True

    def delete_score(self, kind: str, id: str, name: str) -> None:
        for key in [key for key in self._state.plain.scores if key[:3] == (kind, id, name)]:
            del self._state.plain.scores[key]

    def drop_score(self, id: str) -> None:
        key = next((key for key in self._state.plain.scores if score_id(*key) == id), None)
        if key is None:
            raise NotFoundError(f"no score {id}")
        self._remember(key, time.time_ns() // 1000)
        del self._state.plain.scores[key]
        if key[0] == "trace":
            self._touch(key[1])

    def drop_comment(self, id: str) -> None:
        if self._state.comments.pop(id, None) is None:
            raise NotFoundError(f"no comment {id}")

    def delete_files(self, ids: list[str]) -> None:
        for id in ids:
            self._state.files.pop(id, None)

    def project(self, name: str) -> None:
        self._state.projects.setdefault(name, time.time_ns() // 1000)

    def create_project(self, name: str) -> None:
        if name in self._state.projects:
            raise ExistsError(f"there is a project {name!r} already")
        self.project(name)

    def rename_project(self, name: str, new: str) -> None:
        if name not in self._state.projects:
            raise NotFoundError(f"no project {name!r}")
        self.create_project(new)
        self._state.projects[new] = self._state.projects.pop(name)
        kept = (self._state.plain.newest, self._state.plain.scores, self._state.comments)
        for record in [one for held in kept for one in held.values()]:
            if record["project"] == name:
                record["project"] = new

    def drop_project(self, name: str, limit: int) -> bool:
        if name not in self._state.projects:
            raise NotFoundError(f"no project {name!r}")
        ids = [row["id"] for row in self._state.rows(name)]
        for id in ids[:limit]:
            self.delete_trace(id)
        if len(ids) >= limit:
            return False
        del self._state.projects[name]
        return True

    def put_document(self, kind: str, key: str, value: Any) -> None:
        self._state.documents[kind, key] = copy.deepcopy(value)

    def drop_document(self, kind: str, key: str) -> None:
        if self._state.documents.pop((kind, key), None) is None:
            raise NotFoundError(f"no {kind} {key!r}")

    def set_price(self, price: Price) -> None:
        self._state.prices[price.model, price.provider] = price

    def drop_price(self, model: str, provider: str = "") -> bool:
        return self._state.prices.pop((model, provider), None) is not None

    def reprice(self, after: int, until: int) -> tuple[int, Repriced]:
        del after
        found = Repriced()
        for record in self._state.plain.newest.values():
            if record.get("usage") and record.get("model"):
                own, old, prices = record.get("total_cost"), record.get("cost"), list(self._state.prices.values())
                new = cost_of(record.get("provider"), record["model"], record["usage"], record["start_us"], prices)
                record["cost"] = new = own if own is not None else new
                found = Repriced(
                    found.seen + 1, found.changed + (new != old), found.before + (old or 0), found.after + (new or 0)
                )
        return until, found

    def owners(self) -> list[str]:
        return [owner for owner, open_ in self._state.owners.items() if open_]

    def interrupt(self, owner: str) -> None:
        for key in self._state.owners.pop(owner, ()):
            record = self._state.plain.newest.get(key)
            if record is not None and record["status"] == "running":
                self._state.plain.newest[key] = {**record, "status": "interrupted"}
                self._touch(record["trace_id"] if key[0] == "span" else key[1])

    def advance(self, segment: str, reached: dict[int, int]) -> bool:
        before = self._state.segments.get(segment, {})
        if all(before.get(range_, -1) >= at for range_, at in reached.items()):
            return False
        self._state.segments[segment] = {**before, **reached}
        return True

    def finish(self, segment: str) -> None:
        self._state.segments.pop(segment, None)

    def vacuum(self, pages: int) -> None:
        """There is nothing to give back."""

    def _score(self, record: Record) -> None:
        kind = next(kind for kind in ("span", "trace", "thread") if record.get(f"{kind}_id"))
        key = (kind, record[f"{kind}_id"], record["name"], record.get("source") or "sdk", record.get("author") or "")
        if key in self._state.plain.scores:
            self._remember(key, record["ts_us"])
        self._state.plain._score(*key[:2], *key[3:], record["ver"], record["ts_us"], record)

    def _remember(self, key: tuple[str, str, str, str, str], now_us: int) -> None:
        was = {name: self._state.plain.scores[key][name] for name in ("value", "label", "reason", "ts_us")}
        self._state.history.append({"id": score_id(*key), "was": {**was, "replaced_us": now_us}})

    def _project_of(self, trace_id: str | None) -> str | None:
        return next((row["project"] for row in self._state.rows() if row["id"] == trace_id), None)

    def _trace_of(self, record: Record) -> str | None:
        span = self._state.plain.newest.get(("span", record.get("span_id") or ""))
        return span["trace_id"] if span is not None else None

    def _touch(self, trace_id: str) -> None:
        self._state.change += 1
        self._state.changes[trace_id] = self._state.change
