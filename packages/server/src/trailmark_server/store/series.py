"""Numbers over time and in order of size: what the dashboard draws.

Grouped by what belongs to a span (model, type, provider), they are over spans; else over whole traces.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from trailmark_server.query import parse
from trailmark_server.store.filters import span_condition, trace_condition
from trailmark_server.store.lists import project_id, span_of_time
from trailmark_server.store.questions import Bounds
from trailmark_server.store.read import View

__all__ = ["metrics", "top"]

_GROUPS: Final = {
    "": ("traces", "''"), "name": ("traces", "coalesce(t.name, '')"), "user": ("traces", "coalesce(t.user_id, '')"),
    "status": ("traces", "t.status"), "tag": ("traces", "tag.value"),
    "model": ("spans", "s.model"), "type": ("spans", "s.type"), "provider": ("spans", "coalesce(s.provider, '')"),
}  # fmt: skip
_TOPS: Final = {
    "names": ("traces", "coalesce(t.name, '')", "1", "avg(t.end_us - t.start_us)"),
    "users": ("traces", "t.user_id", "t.user_id IS NOT NULL", "sum(t.cost)"),
    "models": ("spans", "s.model", "s.model IS NOT NULL", "sum(s.cost)"),
    "errors": ("spans", "coalesce(s.error_type, 'error')", "s.status='error'", "count(*)"),
    "tools": ("spans", "s.name", "s.type='tool'", "sum(s.status='error')"),
}
_STATS: Final = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
_MAX_KEYS: Final = 8
_OTHER: Final = "(other)"
_EXACT: Final = 50_000  # durations that are sorted; more are counted in steps of 5 %
_STEP: Final = 1 / math.log(1.05)


@dataclass(frozen=True, slots=True)
class _Scope:
    """Which rows: FROM and WHERE with their values, the expressions of group and time."""

    level: str
    source: str
    where: str
    values: list[Any]
    key: str
    start: int
    step: int
    size: int

    @property
    def alias(self) -> str:
        return self.level[0]

    @property
    def bucket(self) -> str:
        return f"({self.alias}.start_us - {self.start}) / {self.step}"


def metrics(
    reader: View,
    project: str,
    *,
    wanted: tuple[str, ...],
    by: str,
    query: str,
    bounds: Bounds,
    buckets: int,
) -> dict[str, Any]:
    """`{t, step_ms, series: [{metric, key, stat, v}], partial_last, unpriced, exact}`; gaps are null, sums are 0."""
    number = project_id(reader, project)
    scope = _scope(reader, number, by, query, bounds, buckets)
    found: list[dict[str, Any]] = []
    exact = True
    if {"count", "errors", "tokens", "cost"} & set(wanted):
        found += _sums(reader, scope, wanted)
    if "latency" in wanted:
        series, is_exact = _quantiles(reader, scope, "latency", f"{scope.alias}.end_us - {scope.alias}.start_us")
        found, exact = found + series, exact and is_exact
    if "ttft" in wanted:
        inner = scope if scope.level == "spans" else _with_spans(scope)
        series, is_exact = _quantiles(reader, inner, "ttft", "s.first_token_us - s.start_us")
        found, exact = found + series, exact and is_exact
    if "scores" in wanted:
        found += _scores(reader, scope)
    end = scope.start + scope.step * scope.size
    return {
        "t": [scope.start + n * scope.step for n in range(scope.size)],
        "step_ms": scope.step // 1000,
        "series": found,
        "partial_last": scope.start <= time.time_ns() // 1000 < end,
        "unpriced": _unpriced(reader, number, (scope.start, end)),
        "exact": exact,
    }


def top(reader: View, project: str, *, what: str, query: str, bounds: Bounds, limit: int) -> list[dict[str, Any]]:
    """The largest: `{key, n, errors, value}`; `value` is mean microseconds of names, USD of users and models."""
    level, key, only, value = _TOPS[what]
    number = project_id(reader, project)
    table, where, values = _rows(level, number, query, span_of_time(reader, number, bounds))
    bad = "sum(t.error_count > 0 OR t.status='error')" if level == "traces" else "sum(s.status='error')"
    rows = reader._db.execute(
        f"SELECT {key}, count(*), {bad}, {value} FROM {table} WHERE {only} AND {where} GROUP BY 1 "
        "ORDER BY 4 DESC, 2 DESC, 1 LIMIT ?",
        (*values, limit),
    )
    return [{"key": row[0], "n": row[1], "errors": row[2], "value": row[3]} for row in rows]


def _scope(reader: View, project: int, by: str, query: str, bounds: Bounds, buckets: int) -> _Scope:
    level, key = _GROUPS[by]
    start, end = span_of_time(reader, project, bounds)
    step = -(-max(1000, -(-(end - start) // buckets)) // 1000) * 1000
    table, where, values = _rows(level, project, query, (start, end))
    if by == "tag":
        table += ", json_each(t.tags) tag"
    if by == "model":
        where = f"s.model IS NOT NULL AND {where}"
    return _Scope(level, table, where, values, key, start, step, max(1, -(-(end - start) // step)))


def _rows(level: str, project: int, query: str, bounds: tuple[int, int]) -> tuple[str, str, list[Any]]:
    condition, values = (trace_condition if level == "traces" else span_condition)(parse(query))
    a = level[0]
    where = f"{a}.project_id=? AND {a}.start_us >= ? AND {a}.start_us < ? AND {condition}"
    return f"{level} {a}", where, [project, *bounds, *values]


def _with_spans(scope: _Scope) -> _Scope:
    """The spans of a scope of traces, at the times of their traces."""
    return _Scope(
        scope.level, scope.source + " CROSS JOIN spans s ON s.trace_id=t.trace_id AND s.first_token_us IS NOT NULL",
        scope.where, scope.values, scope.key, scope.start, scope.step, scope.size,
    )  # fmt: skip


def _sums(reader: View, scope: _Scope, wanted: tuple[str, ...]) -> list[dict[str, Any]]:
    a = scope.alias
    is_bad = "(t.error_count > 0 OR t.status='error')" if a == "t" else "s.status='error'"
    columns = {
        ("count", "n"): "count(*)", ("errors", "n"): f"sum({is_bad})", ("tokens", "in"): _tokens(f"{a}.tin"),
        ("tokens", "out"): _tokens(f"{a}.tout"), ("tokens", "cached"): _tokens(f"{a}.tcached"),
        ("cost", "sum"): f"sum({a}.cost)",
    }  # fmt: skip
    columns = {name: sql for name, sql in columns.items() if name[0] in wanted}
    rows = reader._db.execute(
        f"SELECT {scope.bucket}, {scope.key}, count(*), {', '.join(columns.values())} FROM {scope.source} "
        f"WHERE {scope.where} GROUP BY 1, 2",
        scope.values,
    ).fetchall()
    kept = _kept((row[1], row[2]) for row in rows)
    lines: dict[tuple[str, str, str], list[float]] = {
        (metric, key, stat): [0] * scope.size for key in _shown(kept, rows) for metric, stat in columns
    }
    for bucket, key, _, *values in rows:
        for (metric, stat), value in zip(columns, values, strict=True):
            lines[metric, key if key in kept else _OTHER, stat][bucket] += value or 0
    return _series(lines)


def _tokens(column: str) -> str:
    return f"CAST(total({column}) AS INTEGER)"  # a sum that passes 64 bits fails, a total is the most there is


def _quantiles(reader: View, scope: _Scope, metric: str, value: str) -> tuple[list[dict[str, Any]], bool]:
    where = f"{scope.where} AND {value} >= 0"
    sized = f"SELECT count(*) FROM (SELECT 1 FROM {scope.source} WHERE {where} LIMIT {_EXACT + 1})"
    [size] = reader._db.execute(sized, scope.values).fetchone()
    is_exact = size <= _EXACT
    grain = value if is_exact else f"CAST(ln({value} + 1) * {_STEP} AS INTEGER)"
    rows = reader._db.execute(
        f"SELECT {scope.bucket}, {scope.key}, {grain}, count(*) FROM {scope.source} WHERE {where} GROUP BY 1, 2, 3",
        scope.values,
    ).fetchall()
    kept = _kept((row[1], row[3]) for row in rows)
    groups: dict[tuple[str, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for bucket, key, at, n in rows:
        groups[key if key in kept else _OTHER, bucket][at] += n
    lines: dict[tuple[str, str, str], list[float | None]] = {
        (metric, key, stat): [None] * scope.size for key in _shown(kept, rows) for stat, _ in _STATS
    }
    for (key, bucket), counts in groups.items():
        for stat, share in _STATS:
            at = _quantile(counts, share)
            lines[metric, key, stat][bucket] = at if is_exact else round(math.exp((at + 0.5) / _STEP) - 1)
    return _series(lines), is_exact


def _quantile(counts: dict[int, int], share: float) -> int:
    """The smallest value that at least this share does not exceed."""
    left = math.ceil(share * sum(counts.values()))
    for value in sorted(counts):
        left -= counts[value]
        if left <= 0:
            return value
    raise AssertionError("a group has a value")


def _scores(reader: View, scope: _Scope) -> list[dict[str, Any]]:
    a, kind, target = ("t", "trace", "t.trace_id") if scope.level == "traces" else ("s", "span", "s.span_id")
    del a
    rows = reader._db.execute(
        f"SELECT {scope.bucket}, c.name, avg(c.value), count(*) FROM {scope.source} "
        f"JOIN scores c ON c.kind='{kind}' AND c.target={target} AND c.value IS NOT NULL "
        f"WHERE {scope.where} GROUP BY 1, 2",
        scope.values,
    ).fetchall()
    kept = _kept((row[1], row[3]) for row in rows)
    lines: dict[tuple[str, str, str], list[float | None]] = {}
    for bucket, name, mean, n in rows:
        if name in kept:
            for stat, value in (("mean", mean), ("n", n)):
                lines.setdefault(("scores", name, stat), [None] * scope.size)[bucket] = value
    return _series(lines)


def _unpriced(reader: View, project: int, bounds: tuple[int, int]) -> list[dict[str, Any]]:
    """Models whose calls used tokens and have no price: their cost is unknown, not nothing."""
    rows = reader._db.execute(
        "SELECT model, count(*) FROM spans WHERE project_id=? AND start_us >= ? AND start_us < ? AND cost IS NULL "
        "AND model IS NOT NULL AND (tin > 0 OR tout > 0) GROUP BY model ORDER BY 2 DESC LIMIT 20",
        (project, *bounds),
    )
    return [{"model": model, "n": n} for model, n in rows]


def _kept(counted: Iterable[tuple[str, int]]) -> set[str]:
    sums: dict[str, int] = defaultdict(int)
    for key, n in counted:
        sums[key] += n
    return set(
        sorted(sums, key=lambda key: (-sums[key], key))[: _MAX_KEYS if len(sums) <= _MAX_KEYS else _MAX_KEYS - 1]
    )


def _shown(kept: set[str], rows: list[Any]) -> list[str]:
    return sorted(kept) + ([_OTHER] if any(row[1] not in kept for row in rows) else [])


def _series(lines: Any) -> list[dict[str, Any]]:
    return [{"metric": metric, "key": key, "stat": stat, "v": v} for (metric, key, stat), v in lines.items()]
