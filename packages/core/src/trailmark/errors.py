"""What trailmark raises to people who call it directly; traced code never sees any of it.

TrailmarkError
├── SettingsError   a setting is unknown or its value is not allowed (also a ValueError)
├── ExportError     one attempt to deliver a batch failed; says whether trying again can help
├── ServerError     a server cannot be asked: none runs, no answer, or it refuses
├── NotFoundError   there is no trace or span of that id (also a LookupError)
└── QueryError      a filter is not allowed; the text says where and what is (also a ValueError)
"""

from __future__ import annotations

__all__ = ["ExportError", "NotFoundError", "QueryError", "ServerError", "SettingsError", "TrailmarkError"]


class TrailmarkError(Exception):
    """Base of everything trailmark raises."""


class SettingsError(TrailmarkError, ValueError):
    """A setting is unknown, or its value is not allowed; the text names both."""


class ServerError(TrailmarkError):
    """A server cannot be asked: none runs, there is no answer, or it refuses; the text says which."""


class NotFoundError(TrailmarkError, LookupError):
    """There is no trace or span of that id."""


class QueryError(TrailmarkError, ValueError):
    """A filter is not allowed; the text says where and what is."""


class ExportError(TrailmarkError):
    """A batch was not accepted. `retryable`: the same batch may pass later; otherwise (some of) it never will."""

    def __init__(
        self,
        message: str,
        *,
        retryable: bool,
        retry_after_s: float | None = None,
        refused: tuple[int, ...] | None = None,
        pause: bool = False,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.pause = pause  # nothing helps but a change of settings (401, 403): ask again once a minute
        self.refused = refused  # indexes of the items that were refused while the others were stored; None: unknown
