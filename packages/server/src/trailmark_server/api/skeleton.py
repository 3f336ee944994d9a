"""A trace's columns as its page asks for them: as few bytes as hold every figure exactly."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["figures", "packed"]

_AS_THEY_ARE: Final = ("name", "type", "dur_us", "status", "scores", "flags")
_FIGURES: Final = ("model", "tin", "tout", "cost", "ttft_us")
Columns = dict[str, list[Any]]


def packed(cols: Columns, *, after: int, digits: int) -> dict[str, Any]:
    """What the tree and the waterfall show, of rows that begin at `after`; ids by their last `digits` digits."""
    return {
        "digits": digits,
        "ids": "".join(id.replace("-", "")[-digits:] for id in cols["id"]),
        "up": [row - parent if parent >= 0 else 0 for row, parent in enumerate(cols["parent"], after)],
        "step_us": [at - before for at, before in zip(cols["start_us"], [0, *cols["start_us"]], strict=False)],
        **{name: cols[name] for name in _AS_THEY_ARE},
    }


def figures(cols: Columns) -> Columns:
    """What stands beside the tree: models, tokens, costs, and when the first token came."""
    return {name: cols[name] for name in _FIGURES}
