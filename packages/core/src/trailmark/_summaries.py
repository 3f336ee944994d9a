"""What is recorded of arrays, tables, tensors and images: shape and type, and the values when they are few.

Nothing is imported: a value of such a class means that its library is loaded.
"""

from __future__ import annotations

import math
from typing import Any, Final

__all__ = ["summary"]

MAX_VALUES: Final = 100
HEAD_ROWS: Final = 5
_LIBRARIES: Final = frozenset(
    ("numpy", "pandas", "polars", "torch", "PIL", "pyarrow", "scipy", "jax", "jaxlib", "tensorflow", "xarray")
)


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
    if library == "pyarrow":
        return _arrow(value, name)
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
    told: dict[str, Any] = {"_array": name, "shape": shape, "dtype": str(getattr(value, "dtype", None))}
    if hasattr(value, "device") and name.startswith("torch."):
        told["device"] = str(value.device)
    if math.prod(shape) <= MAX_VALUES and _is_at_hand(value, told):
        told["values"] = value.tolist()
    return told


def _is_at_hand(value: Any, told: dict[str, Any]) -> bool:
    """Whether its values can be had without waiting for a device, and are no objects of the user's."""
    if told["_array"].startswith("torch."):
        return bool(told.get("device", "cpu") == "cpu") and str(value.layout) == "torch.strided"
    return bool(told["_array"].startswith("numpy.") and told["dtype"] != "object")


def _arrow(value: Any, name: str) -> dict[str, Any] | None:
    if hasattr(value, "column_names") and hasattr(value, "num_rows"):
        head = value.slice(0, HEAD_ROWS).to_pylist()
        return {"_table": name, "rows": value.num_rows, "columns": list(value.column_names), "head": head}
    if hasattr(value, "to_pylist") and hasattr(value, "type"):
        return {"_series": name, "rows": len(value), "dtype": str(value.type), "head": value[:HEAD_ROWS].to_pylist()}
    return None


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
