"""A trace as a tree in the terminal."""

from __future__ import annotations

from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

__all__ = ["duration", "trace_tree"]

_STATUS: Final = {"ok": "green", "error": "red", "running": "cyan", "cancelled": "yellow", "interrupted": "magenta"}


def trace_tree(found: dict[str, Any]) -> Tree:
    """From the answer of `Reader.trace`."""
    trace, cols = found["trace"], found["cols"]
    tree = Tree(_trace_line(trace), guide_style="dim")
    branches: list[Tree] = []
    for n, parent in enumerate(cols["parent"]):
        span = {key: cols[key][n] for key in ("name", "type", "status", "dur_us", "model", "tin", "tout", "cost")}
        branches.append((branches[parent] if 0 <= parent < n else tree).add(_line(span)))
    error = trace["error"]
    if error:
        tree.add(Text(f"{error['type']}: {error.get('message') or ''}", style="red"))
    return tree


def _trace_line(trace: dict[str, Any]) -> Text:
    line = _line({**trace, "type": trace["project"], "model": None})
    for score in trace["scores"]:
        value = score["label"] if score["value"] is None else score["value"]
        line.append(f"  {score['name']}={value}", style="yellow")
    for tag in trace["tags"]:
        line.append(f"  #{tag}", style="blue")
    line.append(f"  {trace['id']}", style="dim")
    return line


def _line(span: dict[str, Any]) -> Text:
    line = Text()
    line.append("● ", style=_STATUS.get(span["status"], ""))
    line.append(span["name"] or "(no name)", style="bold")
    line.append(f"  {span['type']}", style="dim")
    line.append(f"  {duration(span['dur_us'])}")
    if span["tin"] or span["tout"]:
        line.append(f"  {span['tin'] or 0} → {span['tout'] or 0} tokens", style="cyan")
    if span["cost"]:
        line.append(f"  ${span['cost']:.6f}", style="cyan")
    if span.get("model"):
        line.append(f"  {span['model']}", style="dim")
    if span["status"] != "ok":
        line.append(f"  {span['status']}", style=_STATUS.get(span["status"], ""))
    return line


def duration(us: int) -> str:
    """Of microseconds, in the unit a person would choose."""
    if us < 0:
        return "…"
    if us < 1000:
        return f"{us} µs"
    if us < 1_000_000:
        return f"{us / 1000:.3g} ms"
    return f"{us / 1e6:.3g} s" if us < 60_000_000 else f"{us // 60_000_000} min {us % 60_000_000 // 1_000_000} s"
