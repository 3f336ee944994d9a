"""Two traces beside each other: spans aligned level by level, by name and type, in order."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import Any, Final

from trailmark_server.store import Reader

__all__ = ["aligned", "compared"]

_SMALL: Final = 250_000  # cells of the exact table; longer levels are aligned by ordinal
_FACTS: Final = ("status", "model", "tin", "tout")
Columns = dict[str, list[Any]]
_Pair = tuple[int | None, int | None]


def compared(reader: Reader, a: str, b: str) -> dict[str, Any]:
    """`{rows, totals}`: one merged tree. NotFoundError names the trace that is not there."""
    found = [reader.skeleton(id, limit=1_000_000) for id in (a, b)]
    columns = [one["cols"] for one in found]
    hashes = [reader.digests(id) for id in (a, b)]
    rows = aligned(*columns)
    for row in rows:
        if row["a"] is not None and row["b"] is not None:
            row["changed"] = _differences(columns, hashes, row["a"], row["b"])
            row["state"] = "changed" if row["changed"] else "same"
    names = ("dur_us", "spans", "errors", "tin", "tout", "cost")
    totals = {key: {name: one["trace"][name] for name in names} for key, one in zip("ab", found, strict=True)}
    return {"rows": rows, "totals": totals}


def aligned(a: Columns, b: Columns) -> list[dict[str, Any]]:
    """The merged tree in order, parents before children; `parent` is a row of the answer."""
    below = [_children(columns) for columns in (a, b)]
    rows: list[dict[str, Any]] = []
    waiting: list[tuple[_Pair, int]] = [(pair, -1) for pair in reversed(_level(a, b, below[0][-1], below[1][-1]))]
    while waiting:
        (left, right), parent = waiting.pop()
        state = "only_b" if left is None else "only_a" if right is None else "same"
        rows.append({"a": left, "b": right, "parent": parent, "state": state, "changed": []})
        inside = _level(a, b, below[0][left] if left is not None else [], below[1][right] if right is not None else [])
        waiting += [(pair, len(rows) - 1) for pair in reversed(inside)]
    return rows


def _children(columns: Columns) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for row, parent in enumerate(columns["parent"]):
        found[parent].append(row)
    return found


def _level(a: Columns, b: Columns, left: list[int], right: list[int]) -> list[_Pair]:
    """Siblings in merged order: pairs, and those that only one side has."""
    if not left or not right:
        return [(row, None) for row in left] + [(None, row) for row in right]
    names = [
        [(columns["name"][row], columns["type"][row]) for row in rows] for columns, rows in ((a, left), (b, right))
    ]
    pairs = _common(*names) if len(left) * len(right) <= _SMALL else _by_ordinal(*names)
    merged: list[_Pair] = []
    i = j = 0
    for m, n in [*pairs, (len(left), len(right))]:
        merged += [(left[k], None) for k in range(i, m)]
        merged += [(None, right[k]) for k in range(j, n)]
        if m < len(left):
            merged.append((left[m], right[n]))
        i, j = m + 1, n + 1
    return merged


def _common(a: list[Any], b: list[Any]) -> list[tuple[int, int]]:
    """A longest common subsequence, as index pairs."""
    lengths = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        row, below = lengths[i], lengths[i + 1]
        for j in range(len(b) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if a[i] == b[j] else max(below[j], row[j + 1])
    pairs, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _by_ordinal(a: list[Any], b: list[Any]) -> list[tuple[int, int]]:
    """The nth of a name with the nth of that name, as far as they keep the order: a longest increasing run."""
    places: dict[Any, list[int]] = defaultdict(list)
    for j, name in enumerate(b):
        places[name].append(j)
    used: dict[Any, int] = defaultdict(int)
    candidates = []
    for i, name in enumerate(a):
        if used[name] < len(places[name]):
            candidates.append((i, places[name][used[name]]))
            used[name] += 1
    ends: list[int] = []  # of the best run of each length, by b
    last: list[int] = []  # its candidate
    before: list[int] = []
    for n, (_, j) in enumerate(candidates):
        at = bisect_left(ends, j)
        ends[at : at + 1] = [j]
        last[at : at + 1] = [n]
        before.append(last[at - 1] if at else -1)
    run, n = [], last[-1] if last else -1
    while n >= 0:
        run.append(candidates[n])
        n = before[n]
    return run[::-1]


def _differences(columns: list[Columns], hashes: list[list[dict[str, bytes]]], a: int, b: int) -> list[str]:
    one, other = columns
    facts = [name for name in _FACTS if one[name][a] != other[name][b]]
    inside = [name for name in ("input", "output", "error") if hashes[0][a].get(name) != hashes[1][b].get(name)]
    return facts + inside
