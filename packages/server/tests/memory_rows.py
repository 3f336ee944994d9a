"""What the reader and the writer in memory share: what is kept, and how it is counted, ordered and cut."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from trailmark_server.pricing import Price
from trailmark_server.query import parse
from trailmark_server.store import (
    Bounds,
    CursorError,
    NotFoundError,
)

from .reference import Record, Reference, holds, span_holds, tokens

GROUPS: dict[str, Callable[[Record], list[Any]]] = {
    "": lambda _: [""], "name": lambda t: [t["name"]], "user": lambda t: [t["user"] or ""],
    "status": lambda t: [t["status"]], "tag": lambda t: t["tags"], "type": lambda s: [s["type"]],
    "model": lambda s: [s["model"]] if s.get("model") else [], "provider": lambda s: [s.get("provider") or ""],
}  # fmt: skip
OF_SPANS = ("model", "type", "provider")
SHOWN = ("id", "project", "name", "status", "start_us", "spans", "errors", "tin", "tout", "cost", "models", "user",
         "thread", "tags", "scores", "in", "out")  # fmt: skip


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


class Rows:
    """What is asked of the state under several names."""

    def __init__(self, state: State) -> None:
        self._state = state

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
