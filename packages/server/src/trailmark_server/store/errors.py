"""What the store raises."""

from __future__ import annotations

__all__ = ["NotFoundError", "StoreError"]


class StoreError(Exception):
    """The store cannot be used; the text says why and what to do."""


class NotFoundError(StoreError):
    """No trace or span of that id."""
