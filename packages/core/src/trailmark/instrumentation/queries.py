"""What a query or a form says, by name: so that secrets in it are known by theirs."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from trailmark._redact import MASK

__all__ = ["form_pairs", "query_pairs"]

_SIGNATURES: Final = frozenset(
    ("signature", "sig", "key", "x-amz-signature", "x-goog-signature", "x-amz-credential", "code", "state")
)


def form_pairs(text: str) -> dict[str, Any]:
    """Pairs by name; several of a name are a list. Raises ValueError for more than a thousand."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=1000):
        if name in found:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
        else:
            found[name] = value
    return found


def query_pairs(query: bytes) -> dict[str, Any]:
    """As `form_pairs`, of the query of an address: signatures, keys and login codes masked. Never raises."""
    try:
        pairs = form_pairs(query.decode("latin-1"))
    except ValueError:
        return {"_bytes": len(query)}
    return {name: MASK if name.lower() in _SIGNATURES else value for name, value in pairs.items()}
