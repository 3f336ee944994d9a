"""What the store raises."""

from __future__ import annotations

__all__ = ["CursorError", "NotFoundError", "StoreError"]


class StoreError(Exception):
    """The store cannot be used; the text says why and what to do."""


class CursorError(ValueError):
    """A cursor that is none of ours."""


class NotFoundError(StoreError):
    """No trace or span of that id."""
