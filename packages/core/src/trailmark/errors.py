"""What trailmark raises to people who call it directly; traced code never sees any of it.

TrailmarkError
├── SettingsError   a setting is unknown or its value is not allowed (also a ValueError)
└── ExportError     one attempt to deliver a batch failed; says whether trying again can help
"""

from __future__ import annotations

__all__ = ["ExportError", "SettingsError", "TrailmarkError"]


class TrailmarkError(Exception):
    """Base of everything trailmark raises."""


class SettingsError(TrailmarkError, ValueError):
    """A setting is unknown, or its value is not allowed; the text names both."""


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
