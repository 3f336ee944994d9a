"""The server's log: plain or JSON lines on stderr. What was recorded is never in it, nor are queries and headers."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Final

__all__ = ["configure"]

_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160)) if code != 10}


def configure(*, is_json: bool, has_requests: bool) -> None:
    """For the process; a second call replaces the first."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if is_json else _Plain())
    for name in ("trailmark.server", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [handler], False
        logger.setLevel(logging.WARNING)
    logging.getLogger("trailmark.server.requests").setLevel(logging.INFO if has_requests else logging.WARNING)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told = {"ts": _time(record), "level": record.levelname.lower(), "logger": record.name,
                "message": record.getMessage(), **getattr(record, "fields", {})}  # fmt: skip
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=True, default=str)


class _Plain(logging.Formatter):
    """A line a message: what comes from outside can neither end it nor colour it."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{key}={value}" for key, value in getattr(record, "fields", {}).items())
        line = f"{_time(record)} {record.levelname.lower()} {record.getMessage()} {fields}".rstrip()
        line = line.replace("\n", "\\n").translate(_CONTROL)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _time(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
