"""What the store raises."""

from __future__ import annotations

__all__ = ["CursorError", "DamagedError", "ExistsError", "FullError", "NotFoundError", "StoreError", "TooLongError"]


class StoreError(Exception):
    """The store cannot be used; the text says why and what to do."""


class FullError(StoreError):
    """The disk is full: nothing of the write was stored; reads go on, writes too once there is room."""


class DamagedError(StoreError):
    """The database is damaged: nothing is written any more; what can still be read is read."""


class TooLongError(StoreError):
    """The query was stopped at its time limit."""


class CursorError(ValueError):
    """A cursor that is none of ours."""


class ExistsError(StoreError):
    """A project of that name is there."""


class NotFoundError(StoreError):
    """No trace or span of that id."""
