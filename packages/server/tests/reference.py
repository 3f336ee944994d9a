"""The store in memory, as plainly as it can be said: what every back end is compared with. Nothing here is fast."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from trailmark_server.query import AllOf, AnyOf, Condition, Node, Not, OneSpan, Text, parse
from trailmark_server.store.codec import preview

Record = dict[str, Any]
WORD = r"[^\W_]+"
RANK = {"running": 0, "interrupted": 1}
SORTS: dict[str, Callable[[Record], float]] = {
    "start": lambda t: t["start_us"],
    "duration": lambda t: -1 if t["end_us"] is None else t["end_us"] - t["start_us"],
    "cost": lambda t: -1 if t["cost"] is None else t["cost"],
    "tokens": lambda t: t["tin"] + t["tout"],
}


class Reference:
    def __init__(self) -> None:
        self.newest: dict[tuple[str, str], Record] = {}
        self.edits: dict[tuple[str, str], dict[tuple[int, str], Record]] = {}
        self.scores: dict[tuple[str, str, str, str, str], Record] = {}
        self.deleted: set[str] = set()

    def put(self, records: Iterable[Record]) -> None:
        for record in records:
            getattr(self, f"_put_{record['k']}")(record)

    def delete_trace(self, id: str) -> None:
        self.deleted.add(id)

    def traces(self, project: str, query: str = "", sort: str = "-start") -> list[str]:
        rows = [row for row in self._rows() if row["project"] == project and holds(parse(query), row)]
        key = SORTS[sort.removeprefix("-")]
        return [row["id"] for row in sorted(rows, key=lambda t: (key(t), t["id"]), reverse=sort.startswith("-"))]

    def spans(self, project: str, query: str = "", sort: str = "-start") -> list[str]:
        found = [
            span for row in self._rows() for span in row["of"]
            if span["project"] == project and span_holds(parse(query), span, row)
        ]  # fmt: skip
        found.sort(key=lambda s: (s["start_us"], s["id"]), reverse=sort.startswith("-"))
        return [span["id"] for span in found]

    def shown(self, project: str) -> list[Record]:
        """Rows as the list shows them."""
        names = ("id", "name", "status", "start_us", "spans", "errors", "tin", "tout", "cost", "models", "user",
                 "thread", "tags", "scores", "in", "out")  # fmt: skip
        rows = {row["id"]: row for row in self._rows()}
        return [{name: rows[id][name] for name in names} for id in self.traces(project)]

    def threads(self, project: str) -> dict[str, tuple[int, int, int]]:
        found: dict[str, tuple[int, int, int]] = {}
        for row in self._rows():
            if row["project"] == project and row["thread"] is not None:
                count, tokens, errors = found.get(row["thread"], (0, 0, 0))
                found[row["thread"]] = (count + 1, tokens + row["tin"] + row["tout"], errors + row["errors"])
        return found

    def _put_span(self, record: Record) -> None:
        self._keep("span", record["id"], record)
        self._score_all("span", record["id"], record, record)
        if "trace" in record:
            own = {name: value for name, value in record["trace"].items() if value is not None}
            shared = {name: record.get(name) for name in ("project", "name", "status", "start_us", "end_us", "ver")}
            root = {"id": record["trace_id"], **shared, "root_span": record["id"], **own}
            self._keep("trace", record["trace_id"], root)
            self._score_all("trace", record["trace_id"], record, own)

    def _put_trace(self, record: Record) -> None:
        self._keep("trace", record["id"], record)
        self._score_all("trace", record["id"], record, record)

    def _put_score(self, record: Record) -> None:
        kind = next(kind for kind in ("span", "trace") if record.get(f"{kind}_id"))
        given = (record.get("source") or "sdk", record.get("author") or "")
        self._score(kind, record[f"{kind}_id"], *given, record["ver"], record["ts_us"], record)

    def _put_patch(self, record: Record) -> None:
        kind = "span" if record.get("span_id") else "trace"
        edits = self.edits.setdefault((kind, record[f"{kind}_id"]), {})
        merging = {f"+{key}" if key in ("metadata", "tags") else key: it for key, it in record["changes"].items()}
        edits[record["ver"], record["id"]] = merging

    def _keep(self, kind: str, id: str, record: Record) -> None:
        found = self.newest.get((kind, id))
        if found is None or order(record) > order(found):
            self.newest[kind, id] = record

    def _score_all(self, kind: str, id: str, record: Record, own: Record) -> None:
        ts_us = record["ver"] if record["ver"] > 1_000_000 else record.get("end_us") or record["start_us"]
        for score in own.get("scores") or ():
            self._score(kind, id, "sdk", "", record["ver"], ts_us, score | {"project": record["project"]})

    def _score(self, kind: str, id: str, source: str, author: str, ver: int, ts_us: int, score: Record) -> None:
        key = (kind, id, score["name"], source, author)
        told = {name: score.get(name) for name in ("value", "label", "reason", "project")}
        new = told | {"ver": ver, "ts_us": ts_us}
        if key not in self.scores or score_order(new) >= score_order(self.scores[key]):
            self.scores[key] = new

    def _now(self, kind: str, id: str) -> Record:
        record = dict(self.newest[kind, id])
        base = record["ver"]
        for (ver, _), changes in sorted(self.edits.get((kind, id), {}).items()):
            if ver > base:
                metadata = {**(record.get("metadata") or {}), **changes.get("+metadata", {})}
                tags = list(dict.fromkeys([*(record.get("tags") or []), *changes.get("+tags", [])]))
                record |= {key: value for key, value in changes.items() if key[0] not in "+-"} | {"ver": ver}
                record |= {"metadata": metadata} if "+metadata" in changes else {}
                record |= {"tags": tags} if "+tags" in changes else {}
                gone = changes.get("-tags", ())
                record |= {"tags": [tag for tag in record.get("tags") or [] if tag not in gone]} if gone else {}
        if record["status"] == "running" and record.get("end_us") is not None:
            record["status"] = "error" if record.get("error") else "ok"
        return record

    def _given(self, kind: str, id: str) -> list[tuple[str, Record]]:
        return [(key[2], score) for key, score in self.scores.items() if key[:2] == (kind, id)]

    def _scores(self, kind: str, id: str) -> dict[str, Record]:
        found = [
            (s["ts_us"], s["ver"], key[3], key[4], key[2], s) for key, s in self.scores.items() if key[:2] == (kind, id)
        ]
        return {name: score for *_, name, score in sorted(found, key=lambda item: item[:4])}

    def _rows(self) -> Iterator[Record]:
        spans: dict[str, list[Record]] = {}
        for kind, id in self.newest:
            if kind == "span":
                span = self._now(kind, id)
                spans.setdefault(span["trace_id"], []).append(span | {"given": self._given("span", id)})
        roots = {id for kind, id in self.newest if kind == "trace"}
        for id in sorted(({*spans} | roots) - self.deleted):
            yield self._row(id, spans.get(id, []), self._now("trace", id) if id in roots else None)

    def _row(self, id: str, spans: list[Record], root: Record | None) -> Record:
        first = min(spans, key=lambda s: (s.get("parent_id") is not None, s["start_us"], s["id"]), default={})
        mine = next((s for s in spans if root and s["id"] == root.get("root_span")), {})
        running = any(span["status"] == "running" for span in spans)
        if root is None:
            ends = [span["end_us"] for span in spans if span.get("end_us") is not None]
            root = {"name": first["name"], "status": "running" if running else first["status"], "project": first["project"],
                    "start_us": min(span["start_us"] for span in spans), "input": first.get("input"),
                    "output": first.get("output"), "end_us": None if running else max(ends, default=None)}  # fmt: skip
        shown = self._scores("trace", id)
        costs = [span["cost"] for span in spans if span.get("cost") is not None]
        return {
            "id": id, "project": root["project"], "name": root["name"], "status": root["status"], "of": spans,
            "start_us": root["start_us"], "end_us": root.get("end_us"), "spans": len(spans),
            "errors": sum(span["status"] == "error" for span in spans), "tin": sum(tokens(s, "input") for s in spans),
            "tout": sum(tokens(s, "output") for s in spans), "cost": sum(costs) if costs else None,
            "models": sorted({span["model"] for span in spans if span.get("model")}), "user": root.get("user_id"),
            "thread": root.get("thread_id"), "tags": root.get("tags") or [], "env": root.get("environment"),
            "scores": {name: {key: s[key] for key in ("value", "label", "reason")} for name, s in shown.items()},
            "in": preview(root.get("input", mine.get("input"))) or "", "out": preview(root.get("output", mine.get("output"))) or "",
            "metadata": {**(mine.get("metadata") or {}), **(root.get("metadata") or {})}, "own": root, "given": self._given("trace", id),
        }  # fmt: skip


def order(record: Record) -> tuple[Any, ...]:
    root = record.get("root_span")
    return record["ver"], RANK.get(record["status"], 2), root is None, root or ""


def score_order(score: Record) -> tuple[Any, ...]:
    value = -1e308 if score["value"] is None else float(score["value"])
    return score["ver"], score["ts_us"], value, score["label"] or "", score["reason"] or ""


def tokens(span: Record, side: str) -> int:
    return sum(n for part, n in (span.get("usage") or {}).items() if part.startswith(side))


def holds(node: Node, row: Record) -> bool:
    """Whether a trace is found."""
    if isinstance(node, Not):
        return not holds(node.node, row)
    if isinstance(node, AllOf):
        return all(holds(part, row) for part in node.nodes)
    if isinstance(node, AnyOf):
        return any(holds(part, row) for part in node.nodes)
    if isinstance(node, OneSpan):
        return any(span_holds(node.node, span, row) for span in row["of"])
    if isinstance(node, Text):
        own = {key: value for key, value in row["own"].items() if key in ("name", "input", "output", "error")}
        return says(node.text, own) or any(says(node.text, span) for span in row["of"])
    seconds = None if row["end_us"] is None else (row["end_us"] - row["start_us"]) / 1e6
    fields: dict[str, list[Any]] = {
        "id": [row["id"]], "trace": [row["id"]], "name": [row["name"]], "status": [row["status"]], "user": [row["user"]], "duration": [seconds],
        "tokens": [row["tin"] + row["tout"]], "cost": [row["cost"]], "spans": [row["spans"]], "error": [row["errors"]],
        "tag": row["tags"], "model": row["models"], "thread": [row["thread"]], "env": [row["env"]],
        "start": [row["start_us"] / 1e6],
    }  # fmt: skip
    if node.field == "thread" and node.op == "=" and "*" not in str(node.values[0]):
        return bool(row["thread"] == node.values[0])  # an id: upper and lower case are not alike
    if node.field in fields:
        return some(fields[node.field], node)
    if node.field == "metadata":
        return some(list(leaves(row["metadata"], node.key)), node, is_open=True)
    if node.field == "score":
        return scored(row["given"], node)
    if node.field == "has":
        return row["errors"] > 0 if node.values == ("error",) else bool(row["scores"])
    return any(span_holds(node, span, row) for span in row["of"])


def span_holds(node: Node, span: Record, row: Record) -> bool:
    """Whether a span is found."""
    if isinstance(node, Not):
        return not span_holds(node.node, span, row)
    if isinstance(node, AllOf):
        return all(span_holds(part, span, row) for part in node.nodes)
    if isinstance(node, AnyOf):
        return any(span_holds(part, span, row) for part in node.nodes)
    if isinstance(node, OneSpan):
        return span_holds(node.node, span, row)
    if isinstance(node, Text):
        return says(node.text, span)
    seconds = None if span.get("end_us") is None else (span["end_us"] - span["start_us"]) / 1e6
    fields: dict[str, list[Any]] = {
        "id": [span["id"]], "trace": [span["trace_id"]], "name": [span["name"]], "status": [span["status"]], "kind": [span["type"]], "model": [span.get("model")],
        "provider": [span.get("provider")], "error.type": [(span.get("error") or {}).get("type")],
        "duration": [seconds], "tokens": [tokens(span, "input") + tokens(span, "output")], "cost": [span.get("cost")],
        "tag": span.get("tags") or [], "start": [span["start_us"] / 1e6], "error": [float(span["status"] == "error")],
    }  # fmt: skip
    if node.field in fields:
        return some(fields[node.field], node)
    if node.field == "metadata":
        return some(list(leaves(span.get("metadata"), node.key)), node, is_open=True)
    if node.field == "score":
        return scored(span["given"], node)
    if node.field == "has":
        return span["status"] == "error" if node.values == ("error",) else bool(span["given"])
    return holds(node, row)


def some(values: list[Any], leaf: Condition, *, is_open: bool = False) -> bool:
    found = [value for value in values if value is not None]
    if leaf.op == "exists":
        return bool(found)
    if leaf.op == "!=":
        return not any(equal(value, asked, is_open) for value in found for asked in leaf.values)
    return any(one(value, leaf, is_open) for value in found)


def one(value: Any, leaf: Condition, is_open: bool) -> bool:
    if leaf.op in ("=", "in"):
        return any(equal(value, asked, is_open) for asked in leaf.values)
    if leaf.op == "~":
        return text(leaf.values[0]).lower() in text(value).lower()
    if isinstance(value, str) != isinstance(leaf.values[0], str):
        return False
    asked: Any = leaf.values[0]
    if leaf.op == "range":
        low, high = leaf.values
        return bool(low <= value <= high)
    return bool({">": value > asked, ">=": value >= asked, "<": value < asked, "<=": value <= asked}[leaf.op])


def equal(value: Any, asked: Any, is_open: bool) -> bool:
    if isinstance(asked, str):
        pattern = ".*".join(re.escape(part) for part in asked.split("*"))
        return isinstance(value, str) and re.fullmatch(pattern, value, re.IGNORECASE | re.DOTALL) is not None
    return bool(value == asked) or (is_open and value == text(asked))


def text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def scored(given: list[tuple[str, Record]], leaf: Condition) -> bool:
    column = "label" if any(isinstance(value, str) for value in leaf.values) else "value"
    found = [score for name, score in given if name == leaf.key]
    return bool(found) if leaf.op == "exists" else some([score[column] for score in found], leaf)


def leaves(metadata: Any, key: str) -> Iterator[Any]:
    value = metadata
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, (dict, list)):
            yield float(item) if isinstance(item, (bool, int)) else item


def says(asked: str, record: Record) -> bool:
    words = " ".join(re.findall(WORD, asked.lower()))
    needle = f" {words}" + " " * (not asked.endswith("*"))
    return bool(words) and any(needle in f" {' '.join(re.findall(WORD, text.lower()))} " for text in texts(record))


def texts(record: Record) -> Iterator[str]:
    waiting = [record.get(key) for key in ("name", "input", "output", "error")]
    while waiting:
        value = waiting.pop()
        if isinstance(value, (dict, list)):
            waiting += value.values() if isinstance(value, dict) else value
        elif value is not None and not isinstance(value, bool):
            yield str(value)
