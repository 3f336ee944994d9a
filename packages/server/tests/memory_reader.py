"""The protocol's questions, answered from memory."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from trailmark_server.pricing import Price
from trailmark_server.query import FIELDS, parse
from trailmark_server.store import (
    Bounds,
    NotFoundError,
)

from .memory_rows import (
    GROUPS,
    OF_SPANS,
    STATS,
    TOPS,
    Rows,
    cut,
    duration,
    field,
    in_order,
    is_bad,
    said,
    shown,
)
from .reference import SORTS, Record, holds, tokens


class MemoryReader(Rows):
    """All it is asked under one lock, which the store holds."""

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
