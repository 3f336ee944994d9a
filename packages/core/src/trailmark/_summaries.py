"""What is recorded of arrays, tables, tensors and images: shape and type, and the values when they are few.

Nothing is imported: a value of such a class means that its library is loaded.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["summary"]

MAX_VALUES: Final = 100
HEAD_ROWS: Final = 5
_LIBRARIES: Final = ("numpy", "pandas", "polars", "torch", "PIL")


def summary(value: Any, kind: type) -> Any:
    """A plain value or a summary; None when the value is of no such library."""
    library = next((base.__module__.partition(".")[0] for base in kind.__mro__ if _is_known(base)), None)
    if library is None:
        return None
    name = f"{library}.{kind.__name__}"
    if library == "PIL":
        return {"_image": name, "size": list(value.size), "mode": value.mode}
    if library in ("pandas", "polars"):
        return _table(value, name)
    if not hasattr(value, "shape"):
        return None
    if library == "numpy" and not value.shape and hasattr(value, "item"):
        item = value.item()
        return item if isinstance(item, (bool, int, float, str)) else str(item)
    return _array(value, name)


def _is_known(base: type) -> bool:
    module = getattr(base, "__module__", None)
    return isinstance(module, str) and module.partition(".")[0] in _LIBRARIES


def _array(value: Any, name: str) -> dict[str, Any]:
    shape = [int(size) for size in value.shape]
    told: dict[str, Any] = {"_array": name, "shape": shape, "dtype": str(value.dtype)}
    if hasattr(value, "device") and name.startswith("torch."):
        told["device"] = str(value.device)
    count = 1
    for size in shape:
        count *= size
    if count <= MAX_VALUES and told.get("device", "cpu") == "cpu" and told["dtype"] != "object":
        told["values"] = value.tolist()
    return told


def _table(value: Any, name: str) -> dict[str, Any] | None:
    if not hasattr(value, "shape"):
        return None
    if len(value.shape) == 1:
        return {
            "_series": name,
            "rows": int(value.shape[0]),
            "dtype": str(value.dtype),
            "head": value.head(HEAD_ROWS).to_list(),
        }
    head = value.head(HEAD_ROWS)
    rows = head.to_dict("records") if name.startswith("pandas") else head.to_dicts()
    return {"_table": name, "rows": int(value.shape[0]), "columns": [str(c) for c in value.columns], "head": rows}
