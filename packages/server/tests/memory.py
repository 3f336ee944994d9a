"""A second back end: the whole protocol of the store over the plain store in memory. Nothing here is fast.

That the server runs on it shows that nothing outside `store/` needs the embedded one.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trailmark_server.pricing import Price, cost_of
from trailmark_server.query import FIELDS, parse
from trailmark_server.store import (
    Bounds,
    Capabilities,
    CursorError,
    ExistsError,
    Health,
    NotFoundError,
    Repriced,
)

from .reference import SORTS, Record, Reference, holds, span_holds, tokens

GROUPS: dict[str, Callable[[Record], list[Any]]] = {
    "": lambda _: [""], "name": lambda t: [t["name"]], "user": lambda t: [t["user"] or ""],
    "status": lambda t: [t["status"]], "tag": lambda t: t["tags"], "type": lambda s: [s["type"]],
    "model": lambda s: [s["model"]] if s.get("model") else [], "provider": lambda s: [s.get("provider") or ""],
}  # fmt: skip
OF_SPANS = ("model", "type", "provider")
SHOWN = ("id", "project", "name", "status", "start_us", "spans", "errors", "tin", "tout", "cost", "models", "user",
         "thread", "tags", "scores", "in", "out")  # fmt: skip


class MemoryStore:
    """One lock: whoever reads or writes is alone."""

    schema = 0

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = State()
        self._lock = threading.RLock()

    def put(self, records: Iterable[Record], owner: str = "", taken: tuple[str, dict[int, int]] | None = None) -> None:
        def store(writer: MemoryWriter) -> None:
            if taken is None or writer.advance(*taken):
                writer.put(records, owner)

        self.write(store)

    def write(self, job: Callable[[Any], Any]) -> Any:
        with self._lock:
            state = copy.deepcopy(self._state)
            result = job(MemoryWriter(state))
            self._state = state  # all of it, or when the job raises nothing
            return result

    @contextmanager
    def read(self, *, timeout_s: float | None = None) -> Iterator[MemoryReader]:
        del timeout_s
        with self._lock:
            state = self._state
        yield MemoryReader(state)

    def index_text(self) -> int:
        return 0

    def capabilities(self) -> Capabilities:
        return Capabilities("memory", "words", True, "exact", True, True)

    def health(self) -> Health:
        return Health("ok", "", 0)

    def disk_bytes(self) -> int:
        return 0

    def used_bytes(self) -> int:
        return 0

    def free_bytes(self) -> int:
        return 0

    def backup(self, path: Path) -> None:
        path.write_bytes(b"")

    def close(self) -> None:
        """There is nothing to do."""


class State:
    def __init__(self) -> None:
        self.plain = Reference()
        self.projects: dict[str, int] = {}
        self.documents: dict[tuple[str, str], Any] = {}
        self.history: list[Record] = []
        self.files: dict[str, Record] = {}
        self.comments: dict[str, Record] = {}
        self.prices: dict[tuple[str, str], Price] = {}
        self.changes: dict[str, int] = {}
        self.removed: list[tuple[int, str, str]] = []
        self.owners: dict[str, set[tuple[str, str]]] = {}
        self.segments: dict[str, dict[int, int]] = {}
        self.change = 0

    def rows(self, project: str | None = None) -> list[Record]:
        return [row for row in self.plain._rows() if project in (None, row["project"])]


class MemoryReader:
    def __init__(self, state: State) -> None:
        self._state = state

    def projects(self) -> list[Record]:
        return [{name: one[name] for name in ("name", "traces", "last_us")} for one in self.activity()]

    def activity(self) -> list[Record]:
        day, found = time.time_ns() // 1000 - 86_400_000_000, []
        for name, created in self._state.projects.items():
            starts = [row["start_us"] for row in self._state.rows(name)]
            found.append({"name": name, "created_us": created, "traces": len(starts),
                          "traces_24h": sum(at >= day for at in starts), "last_us": max(starts, default=None)})  # fmt: skip
        return sorted(found, key=lambda one: (-(one["last_us"] or -math.inf), one["name"]))

    def find(self, prefix: str) -> list[str]:
        if prefix == "last":
            return [row["id"] for row in self.newest(1)]
        plain = prefix.replace("-", "").lower()
        return [row["id"] for row in self._state.rows() if row["id"].replace("-", "").startswith(plain)][:10]

    def newest(self, limit: int, project: str | None = None) -> list[Record]:
        rows = sorted(self._state.rows(project), key=lambda t: (t["start_us"], t["id"]), reverse=True)
        return [shown(row) for row in rows[:limit]]

    def oldest(self, limit: int, *, before_us: int | None = None, project: str | None = None) -> list[str]:
        rows = sorted(self._state.rows(project), key=lambda t: (t["start_us"], t["id"]))
        return [row["id"] for row in rows if before_us is None or row["start_us"] < before_us][:limit]

    def older_than(self, project: str, before_us: int) -> Record:
        rows = [row for row in self._state.rows(project) if row["start_us"] < before_us]
        return {"traces": len(rows), "spans": sum(row["spans"] for row in rows),
                "oldest_us": min((row["start_us"] for row in rows), default=None)}  # fmt: skip

    def trace_rows(self, project: str, *, query: str = "", bounds: Bounds = (None, None), sort: str = "-start",
                   limit: int = 200, cursor: str | None = None, fields: tuple[str, ...] = ()) -> Record:  # fmt: skip
        rows, key = self._found(project, query, bounds), SORTS[sort.removeprefix("-")]
        page, after = cut([(key(row), row["id"], row) for row in rows], sort, limit, cursor)
        told = [{**shown(row), "fields": {name: field(row, name) for name in fields}} for row in page]
        return {"rows": told, "next": after, "seq": self.newest_change(project)}

    def span_rows(self, project: str, *, query: str = "", bounds: Bounds = (None, None), sort: str = "-start",
                  limit: int = 200, cursor: str | None = None, fields: tuple[str, ...] = ()) -> Record:  # fmt: skip
        rows = self._found(project, query, bounds, of="spans")
        page, after = cut([(row["start_us"], row["id"], row) for row in rows], sort, limit, cursor)
        told = [{**self._span_row(row), "fields": {name: field(row, name) for name in fields}} for row in page]
        return {"rows": told, "next": after, "seq": self.newest_change(project)}

    def whole_traces(self, project: str, *, query: str, limit: int, cursor: str | None) -> Record:
        page = self.trace_rows(project, query=query, limit=limit, cursor=cursor)
        return {"items": [self.trace_head(row["id"]) for row in page["rows"]], "next": page["next"]}

    def whole_spans(self, project: str, *, query: str, limit: int, cursor: str | None) -> Record:
        page = self.span_rows(project, query=query, limit=limit, cursor=cursor)
        return {"items": [self.span(row["trace_id"], row["id"]) for row in page["rows"]], "next": page["next"]}

    def span_records(
        self, project: str, *, query: str, bounds: Bounds, limit: int, cursor: str | None
    ) -> tuple[list[Record], str | None]:
        page = self.span_rows(project, query=query, bounds=bounds, limit=limit, cursor=cursor)
        found = [one for row in page["rows"] for one in self.records(row["trace_id"]) if one.get("id") == row["id"]]
        return found, page["next"]

    def records(self, trace_id: str) -> Iterator[Record]:
        row = self._row(trace_id)
        root = row["own"].get("root_span")
        if root is None and ("trace", trace_id) in self._state.plain.newest:
            yield {"k": "trace", **row["own"]}
        for span in in_order(row["of"]):
            record = {key: value for key, value in span.items() if key not in ("given", "cost", "trace")}
            own = {key: value for key, value in row["own"].items() if key not in ("id", "ver", "root_span", "status")}
            yield {"k": "span", **record, "total_cost": span.get("cost")} | (
                {"trace": own} if span["id"] == root else {}
            )
        for key, score in self._state.plain.scores.items():
            if key[:2] == ("trace", trace_id) or (key[0] == "span" and key[1] in {span["id"] for span in row["of"]}):
                yield {
                    "k": "score",
                    f"{key[0]}_id": key[1],
                    "name": key[2],
                    "source": key[3],
                    "author": key[4],
                    **score,
                }

    def changes(self, project: str, *, since: int, query: str, limit: int, fields: tuple[str, ...] = ()) -> Record:
        new = [row for row in self._state.rows(project) if self._state.changes[row["id"]] > since]
        new.sort(key=lambda row: self._state.changes[row["id"]])
        more, new = len(new) > limit, new[:limit]
        reached = self._state.changes[new[-1]["id"]] if more else self.newest_change(project)
        gone = [id for at, of, id in self._state.removed if of == project and since < at <= reached]
        test = parse(query)
        told = [
            {**shown(row), "fields": {name: field(row, name) for name in fields}} for row in new if holds(test, row)
        ]
        left = [row["id"] for row in new if not holds(test, row)]
        return {"upserts": told, "deleted": gone + left, "seq": reached, "more": more}

    def newest_change(self, project: str) -> int:
        rows = [self._state.changes[row["id"]] for row in self._state.rows(project)]
        return max([0, *rows, *(at for at, of, _ in self._state.removed if of == project)])

    def count(self, project: str, *, query: str, bounds: Bounds, of: str = "traces") -> Record:
        return {"estimate": len(self._found(project, query, bounds, of=of)), "exact": True}

    def histogram(self, project: str, *, query: str, bounds: Bounds, buckets: int, of: str = "traces") -> Record:
        start, step, size = self._buckets(project, bounds, buckets, of)
        counts, errors = [0] * size, [0] * size
        for row in self._found(project, query, (start, start + step * size), of=of):
            counts[(row["start_us"] - start) // step] += 1
            errors[(row["start_us"] - start) // step] += row["status"] == "error" or bool(row.get("errors"))
        return {"t0": start, "step_ms": step // 1000, "n": counts, "err": errors}

    def metrics(
        self, project: str, *, wanted: tuple[str, ...], by: str, query: str, bounds: Bounds, buckets: int
    ) -> Record:
        start, step, size = self._buckets(project, bounds, buckets)
        end, of = start + step * size, "spans" if by in OF_SPANS else "traces"
        lines: dict[tuple[str, str], list[list[Record]]] = {}
        for row in self._found(project, query, (start, end), of=of):
            for key in GROUPS[by](row):
                lines.setdefault(("", key), [[] for _ in range(size)])[(row["start_us"] - start) // step].append(row)
        series = [
            {"metric": metric, "key": key, "stat": stat, "v": [value(rows) for rows in line]}
            for (_, key), line in sorted(lines.items()) for metric, stat, value in STATS
            if metric in wanted and (metric != "latency" or any(value(rows) is not None for rows in line))
        ]  # fmt: skip
        spans = self._found(project, "", (start, end), of="spans")
        free = Counter(s["model"] for s in spans if s.get("model") and s.get("cost") is None and tokens(s, ""))
        return {"t": [start + n * step for n in range(size)], "step_ms": step // 1000, "series": series,
                "partial_last": start <= time.time_ns() // 1000 < end, "exact": True,
                "unpriced": [{"model": model, "n": n} for model, n in free.most_common(20)]}  # fmt: skip

    def top(self, project: str, *, what: str, query: str, bounds: Bounds, limit: int) -> list[Record]:
        key, of, value = TOPS[what]
        groups: dict[str, list[Record]] = {}
        for row in self._found(project, query, bounds, of=of):
            if (name := key(row)) is not None:
                groups.setdefault(name, []).append(row)
        found = [{"key": name, "n": len(rows), "errors": sum(is_bad(row) for row in rows), "value": value(rows)}
                 for name, rows in groups.items()]  # fmt: skip
        return sorted(found, key=lambda one: (-(one["value"] or 0), -one["n"], one["key"]))[:limit]

    def field_names(self, project: str, prefix: str) -> list[Record]:
        found = [{"name": name, "type": kind, "n": None} for name, kind in FIELDS.items()]
        counts: Counter[str] = Counter()
        for row in self._state.rows(project):
            counts.update(f"metadata.{key}" for key in row["metadata"])
            counts.update(f"score.{name}" for name, _ in row["given"])
        found += [{"name": name, "type": "text", "n": n} for name, n in counts.most_common()]
        return [one for one in found if one["name"].startswith(prefix)][:50]

    def field_values(self, project: str, field: str, prefix: str) -> list[Record]:
        counts: Counter[str] = Counter()
        for row in self._state.rows(project):
            for value in {"tag": row["tags"], "model": row["models"]}.get(field, [row.get(field)]):
                if value is not None and str(value).lower().startswith(prefix.lower()):
                    counts[str(value)] += 1
        return [{"value": value, "n": n} for value, n in counts.most_common(50)]

    def change_of(self, id: str) -> int:
        return self._state.changes[self._row(id)["id"]]

    def skeleton(self, id: str, *, after: int = 0, limit: int = 20_000, since: int | None = None) -> Record:
        row, change = self._row(id), self.change_of(id)
        is_unchanged = since is not None and change <= since
        cols = self._columns(row, slice(0, 0) if is_unchanged else slice(after, after + limit))
        more = after + limit if not is_unchanged and row["spans"] > after + limit else None
        return {"v": 1, "trace": self.trace_head(id, whole=False), "cols": cols, "total": row["spans"], "next": more,
                "seq": change, "unchanged": is_unchanged}  # fmt: skip

    def digits(self, id: str) -> int:
        ids = [span["id"].replace("-", "") for span in self._row(id)["of"]]
        return next(n for n in range(7, 33) if n == 32 or len({id[-n:] for id in ids}) == len(ids))

    def whole_id(self, trace_id: str, ending: str) -> str:
        plain = ending.replace("-", "").lower()
        if len(plain) == 32:
            return ending
        found = [span["id"] for span in self._row(trace_id)["of"] if span["id"].replace("-", "").endswith(plain)]
        if len(plain) < 7 or len(found) != 1:
            raise NotFoundError(f"no span {ending} in trace {trace_id}")
        return str(found[0])

    def trace(self, id: str, *, whole: bool = True) -> Record:
        row = self._row(id)
        return {"v": 1, "trace": self.trace_head(id, whole=whole), "cols": self._columns(row, slice(None)),
                "total": row["spans"], "seq": self._state.change}  # fmt: skip

    def trace_head(self, id: str, *, whole: bool = True) -> Record:
        del whole
        row = self._row(id)
        mine = next((s for s in row["of"] if s["id"] == row["own"].get("root_span")), {})
        first = mine if ("trace", row["id"]) in self._state.plain.newest else in_order(row["of"], roots_first=True)[0]
        names = ("id", "project", "name", "status", "start_us", "thread", "user", "tags", "tin", "tout", "cost",
                 "spans", "errors")  # fmt: skip
        told = {name: row[name] for name in names}
        end = None if row["status"] == "running" else max(row["end_us"] or row["start_us"], row["start_us"])
        parts = {name: row["own"].get(name, first.get(name)) for name in ("input", "output", "error")}
        return {**told, "dur_us": duration(row), "end_us": end, "environment": row["env"], **parts,
                "metadata": row["own"].get("metadata"), "scores": self._scores("trace", row["id"]),
                "attachments": self._listed(lambda file: file["trace_id"] == row["id"])}  # fmt: skip

    def span(self, trace_id: str, span_id: str, *, whole: bool = True) -> Record:
        del whole
        span = next((one for one in self._row(trace_id)["of"] if one["id"] == span_id), None)
        if span is None:
            raise NotFoundError(f"no span {span_id} in trace {trace_id}")
        names = ("id", "project", "trace_id", "parent_id", "name", "type", "status", "start_us", "end_us",
                 "first_token_us", "model", "provider", "cost", "usage", "input", "output", "metadata", "usage_raw",
                 "error")  # fmt: skip
        return {**{name: span.get(name) for name in names}, "tags": span.get("tags") or [], "truncated": {},
                "dur_us": -1 if span.get("end_us") is None else max(0, span["end_us"] - span["start_us"]),
                "scores": self._scores("span", span_id),
                "attachments": self._listed(lambda file: file["span_id"] == span_id)}  # fmt: skip

    def inside(self, id: str, text: str) -> Record:
        names = ("name", "input", "output", "metadata", "error")
        texts = [
            json.dumps([span.get(name) for name in names], ensure_ascii=False) for span in in_order(self._row(id)["of"])
        ]
        return {"rows": [n for n, one in enumerate(texts) if text.lower() in one.lower()], "truncated": False}

    def digests(self, id: str) -> list[dict[str, bytes]]:
        return [
            {name: hashlib.sha256(json.dumps(span[name], sort_keys=True).encode()).digest()
             for name in ("input", "output", "error") if span.get(name) is not None}
            for span in in_order(self._row(id)["of"])
        ]  # fmt: skip

    def spans_of(self, span_id: str) -> str | None:
        record = self._state.plain.newest.get(("span", span_id))
        return record["trace_id"] if record is not None else None

    def rows_by_id(self, project: str, *, before: str | None, limit: int) -> list[Record]:
        rows = [row for row in self._state.rows(project) if before is None or row["id"] < before]
        return [shown(row) for row in sorted(rows, key=lambda t: t["id"], reverse=True)[:limit]]

    def span_ids(
        self, project: str, *, before: str | None, limit: int, trace_id: str | None = None
    ) -> list[tuple[str, str]]:
        spans = self._found(project, "", (None, None), of="spans")
        found = [(span["trace_id"], span["id"]) for span in spans if trace_id in (None, span["trace_id"])]
        found.sort(key=lambda ids: ids[1], reverse=True)
        return [ids for ids in found if before is None or ids[1] < before][:limit]

    def threads(self, project: str, *, limit: int) -> list[Record]:
        return [{key: row[key] for key in row if key != "scores"} for row in self._threads(project)[:limit]]

    def thread_rows(self, project: str, *, query: str, bounds: Bounds, limit: int, cursor: str | None) -> Record:
        matching = {row["thread"] for row in self._found(project, query, bounds)}
        rows = [(row["last_us"], row["id"], row) for row in self._threads(project, last=True) if row["id"] in matching]
        page, after = cut(rows, "-newest", limit, cursor)
        return {"rows": [{key: row[key] for key in row if key != "last_us"} for row in page], "next": after}

    def thread(self, project: str, id: str, *, after: int, limit: int) -> Record:
        rows = in_order([row for row in self._state.rows(project) if row["thread"] == id])
        if not rows:
            raise NotFoundError(f"no thread {id!r} in project {project!r}")
        names = ("name", "status", "start_us", "dur_us", "input", "output", "error", "tin", "tout", "cost", "errors",
                 "scores")  # fmt: skip
        heads = [self.trace_head(row["id"]) for row in rows[after : after + limit]]
        turns = [{"trace_id": one["id"], **{name: one[name] for name in names}, "truncated": {}} for one in heads]
        return {"id": id, "project": project, "turns": turns, "scores": self.thread_scores(id), "total": len(rows),
                "next": after + limit if len(rows) > after + limit else None}  # fmt: skip

    def thread_scores(self, thread_id: str) -> list[Record]:
        return self._scores("thread", thread_id)

    def scores(self, kind: str, id: str, project: str | None = None) -> list[Record]:
        inside = {span["id"] for span in self._row(id)["of"]} if kind == "trace" else set()
        return [one for one in self._all_scores() if project in (None, one["project"])
                and (one[f"{kind}_id"] == id or one["span_id"] in inside)]  # fmt: skip

    def scores_of_project(self, project: str, limit: int) -> list[Record]:
        found = [one for one in self._all_scores() if one["project"] == project]
        return sorted(found, key=lambda one: (-one["ts_us"], one["name"]))[:limit]

    def score_history(self, id: str) -> list[Record]:
        return [one["was"] for one in reversed(self._state.history) if one["id"] == id]

    def comments(self, kind: str, id: str, project: str | None = None) -> list[Record]:
        inside = {span["id"] for span in self._row(id)["of"]} if kind == "trace" else set()
        found = [one for one in map(said, self._state.comments.values()) if project in (None, one["project"])
                 and (one[f"{kind}_id"] == id or one["span_id"] in inside)]  # fmt: skip
        return sorted(found, key=lambda one: (one["ts_us"], one["id"]))

    def comment(self, id: str) -> Record:
        if id not in self._state.comments:
            raise NotFoundError(f"no comment {id}")
        return said(self._state.comments[id])

    def files(self, kind: str, id: str) -> list[Record]:
        return self._listed(lambda file: file[f"{kind}_id"] == id and (kind == "span" or file["span_id"] is None))

    def file(self, id: str) -> tuple[Record, bytes]:
        if id not in self._state.files:
            raise NotFoundError(f"no attachment {id}")
        found = self._state.files[id]
        return {"name": found["name"], "content_type": found["content_type"]}, found["data"]

    def blob(self, sha256: str) -> bytes:
        raise NotFoundError(f"no content {sha256!r}")  # contents stay where they were given

    def prices(self) -> list[Price]:
        return list(self._state.prices.values())

    def last_span(self) -> int:
        return 1

    def documents(self, kind: str) -> list[Record]:
        return [{"id": key, **body} for (of, key), body in sorted(self._state.documents.items()) if of == kind]

    def document(self, kind: str, key: str) -> Any:
        return copy.deepcopy(self._state.documents.get((kind, key)))

    def damage(self) -> str:
        return ""

    def _row(self, id: str) -> Record:
        row = next((row for row in self._state.rows() if row["id"] == id), None)
        if row is None:
            raise NotFoundError(f"no trace {id}")
        return row

    def _found(self, project: str, query: str, bounds: Bounds, of: str = "traces") -> list[Record]:
        test = parse(query)
        if of == "traces":
            found = [row for row in self._state.rows(project) if holds(test, row)]
        else:
            pairs = ((span, row) for row in self._state.rows() for span in row["of"] if span["project"] == project)
            found = [span for span, row in pairs if span_holds(test, span, row)]
        low, high = bounds
        return [
            one for one in found if (low is None or one["start_us"] >= low) and (high is None or one["start_us"] < high)
        ]

    def _buckets(self, project: str, bounds: Bounds, buckets: int, of: str = "traces") -> tuple[int, int, int]:
        starts = [row["start_us"] for row in self._found(project, "", (None, None), of=of)]
        start = bounds[0] if bounds[0] is not None else min(starts, default=0)
        end = max(bounds[1] if bounds[1] is not None else max(starts, default=0) + 1, start + 1)
        step = math.ceil(max(1000, math.ceil((end - start) / buckets)) / 1000) * 1000
        return start, step, max(1, math.ceil((end - start) / step))

    def _span_row(self, span: Record) -> Record:
        first, usage = span.get("first_token_us"), span.get("usage")
        names = ("id", "trace_id", "parent_id", "name", "type", "status", "start_us", "model", "provider", "cost")
        scores = self._state.plain._scores("span", span["id"])
        return {**{name: span.get(name) for name in names}, "dur_us": duration(span), "tags": span.get("tags") or [],
                "tin": tokens(span, "input") if usage else None, "tout": tokens(span, "output") if usage else None,
                "error_type": (span.get("error") or {}).get("type"),
                "ttft_us": first - span["start_us"] if first is not None else None,
                "scores": {name: {key: one[key] for key in ("value", "label", "reason")} for name, one in scores.items()},
                "in": self._preview(span, "input"), "out": self._preview(span, "output")}  # fmt: skip

    def _preview(self, span: Record, part: str) -> str:
        return self._state.plain._row(span["trace_id"], [span], None)["in" if part == "input" else "out"]

    def _columns(self, row: Record, page: slice) -> Record:
        spans = in_order(row["of"])
        index = {span["id"]: n for n, span in enumerate(spans)}
        told = [
            {**self._span_row(span), "parent": index.get(span.get("parent_id"), -1), "scores": len(span["given"]),
             "flags": int(span.get("parent_id") is not None and span["parent_id"] not in index),
             "tcached": (span.get("usage") or {}).get("input_cached")}
            for span in spans
        ][page]  # fmt: skip
        names = ("id", "parent", "name", "type", "start_us", "status", "model", "tin", "tout", "tcached", "cost",
                 "ttft_us", "dur_us", "scores", "flags")  # fmt: skip
        return {name: [one[name] for one in told] for name in names}

    def _scores(self, kind: str, id: str) -> list[Record]:
        found = [one for one in self._all_scores() if one[f"{kind}_id"] == id]
        return [{name: one[name] for name in ("name", "value", "label", "reason", "source", "author")} for one in found]

    def _all_scores(self) -> list[Record]:
        found = []
        for (kind, target, name, source, author), score in self._state.plain.scores.items():
            ids = {f"{of}_id": target if of == kind else None for of in ("trace", "span", "thread")}
            id = score_id(kind, target, name, source, author)
            rest = {key: score[key] for key in ("value", "label", "reason", "ts_us", "project")}
            found.append({"id": id, **ids, "name": name, "source": source, "author": author, **rest})
        return sorted(found, key=lambda one: (one["ts_us"], one["name"]))

    def _threads(self, project: str, *, last: bool = False) -> list[Record]:
        groups: dict[str, list[Record]] = {}
        for row in in_order(self._state.rows(project)):
            if row["thread"] is not None:
                groups.setdefault(row["thread"], []).append(row)
        found = []
        for id, rows in groups.items():
            costs = [row["cost"] for row in rows if row["cost"] is not None]
            users = [row["user"] for row in rows if row["user"] is not None]
            scores = [one for one in self._all_scores() if one["thread_id"] == id and one["project"] == project]
            found.append({
                "id": id, "start_us": rows[0]["start_us"], "traces": len(rows), "user": max(users, default=None),
                "end_us": max(row["end_us"] or row["start_us"] for row in rows), "tin": sum(r["tin"] for r in rows),
                "tout": sum(row["tout"] for row in rows), "cost": sum(costs) if costs else None,
                "errors": sum(row["errors"] for row in rows), "running": sum(r["status"] == "running" for r in rows),
                "first_trace": rows[0]["id"], "last_trace": rows[-1]["id"], "in": rows[0]["in"], "out": rows[-1]["out"],
                "scores": {one["name"]: {key: one[key] for key in ("value", "label", "reason")} for one in scores},
                **({"last_us": rows[-1]["start_us"]} if last else {}), "_": rows[-1]["start_us"],
            })  # fmt: skip
        found.sort(key=lambda one: (one["_"], one["id"]), reverse=True)
        return [{key: value for key, value in one.items() if key != "_"} for one in found]

    def _listed(self, test: Callable[[Record], bool]) -> list[Record]:
        names = ("id", "span_id", "name", "content_type", "ts_us")
        found = [
            {**{name: one[name] for name in names}, "size": len(one["data"])}
            for one in self._state.files.values()
            if test(one)
        ]
        return sorted(found, key=lambda one: (one["ts_us"], one["id"]))


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


def score_id(*key: str) -> str:
    return json.dumps(key).encode().hex()


def said(record: Record) -> Record:
    kind = next(kind for kind in ("span", "trace", "thread") if record.get(f"{kind}_id"))
    ids = {f"{of}_id": record[f"{of}_id"] if of == kind else None for of in ("trace", "span", "thread")}
    told = {name: record[name] for name in ("id", "project", "text", "ts_us")}
    return {**told, **ids, "author": record.get("author") or "", "updated_us": record["ver"]}


def shown(row: Record) -> Record:
    return {**{name: row[name] for name in SHOWN}, "dur_us": duration(row)}


def duration(row: Record) -> int:
    return -1 if row["status"] == "running" else max(0, (row.get("end_us") or row["start_us"]) - row["start_us"])


def in_order(rows: list[Record], *, roots_first: bool = False) -> list[Record]:
    return sorted(rows, key=lambda s: (roots_first and s.get("parent_id") is not None, s["start_us"], s["id"]))


def is_bad(row: Record) -> bool:
    return row["status"] == "error" or bool(row.get("errors"))


def field(row: Record, name: str) -> Any:
    if name == "env":
        return row.get("env")
    if name == "ttft":
        firsts = [s["first_token_us"] - s["start_us"] for s in row["of"] if s.get("first_token_us") is not None]
        return min(firsts, default=None)
    value: Any = row.get("metadata")
    for part in name.removeprefix("metadata.").split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def cut(
    rows: list[tuple[float, str, Record]], sort: str, limit: int, cursor: str | None
) -> tuple[list[Record], str | None]:
    """A page of what is sorted by key and id."""
    is_down = sort.startswith("-")
    rows.sort(key=lambda one: one[:2], reverse=is_down)
    if cursor:
        try:
            of, key, id = json.loads(bytes.fromhex(cursor))
        except ValueError:
            of = None
        if of != sort:
            raise CursorError(f"cursor is {cursor!r}; allowed: the `next` of an answer in the same order")
        rows = [one for one in rows if (one[:2] < (key, id) if is_down else one[:2] > (key, id))]
    last = rows[limit - 1] if len(rows) > limit else None
    return [row for *_, row in rows[:limit]], json.dumps([sort, *last[:2]]).encode().hex() if last else None


def quantile(rows: list[Record], share: float) -> int | None:
    found = sorted(row["end_us"] - row["start_us"] for row in rows if row.get("end_us") is not None)
    return found[math.ceil(share * len(found)) - 1] if found else None


def of(row: Record, side: str) -> int:
    return int(row["tin" if side == "input" else "tout"]) if "tin" in row else tokens(row, side)


STATS: tuple[tuple[str, str, Callable[[list[Record]], Any]], ...] = (
    ("count", "n", len), ("errors", "n", lambda rows: sum(map(is_bad, rows))),
    ("tokens", "in", lambda rows: sum(of(row, "input") for row in rows)),
    ("tokens", "out", lambda rows: sum(of(row, "output") for row in rows)),
    ("tokens", "cached", lambda rows: sum(tokens(s, "input_cached") for row in rows for s in row.get("of", [row]))),
    ("cost", "sum", lambda rows: sum(row.get("cost") or 0 for row in rows)),
    ("latency", "p50", lambda rows: quantile(rows, 0.5)), ("latency", "p95", lambda rows: quantile(rows, 0.95)),
    ("latency", "p99", lambda rows: quantile(rows, 0.99)),
)  # fmt: skip
TOPS: dict[str, tuple[Callable[[Record], Any], str, Callable[[list[Record]], Any]]] = {
    "names": (lambda t: t["name"], "traces", lambda rows: mean([duration(row) for row in rows if row["end_us"] is not None])),
    "users": (lambda t: t["user"], "traces", lambda rows: costs(rows)),
    "models": (lambda s: s.get("model"), "spans", lambda rows: costs(rows)),
    "errors": (lambda s: (s.get("error") or {}).get("type", "error") if s["status"] == "error" else None, "spans", len),
    "tools": (lambda s: s["name"] if s["type"] == "tool" else None, "spans", lambda rows: sum(map(is_bad, rows))),
}  # fmt: skip


def mean(values: list[int]) -> float | None:
    return sum(values) / len(values) if values else None


def costs(rows: list[Record]) -> float | None:
    found = [row["cost"] for row in rows if row.get("cost") is not None]
    return sum(found) if found else None
