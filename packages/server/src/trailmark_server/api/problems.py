"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import JSONResponse

__all__ = ["Problem", "problem", "request_id"]

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")


class Problem(Exception):  # noqa: N818 - the standard's word
    """Raised by a route; answered as a problem document."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.more = status, detail, more


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    """`{type, title, status, detail, request_id, ...}`; `retry_after_s` is a header too."""
    title, id = HTTPStatus(status).phrase, request_id.get()
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "request_id": id, **more}
    headers = {"Retry-After": str(more["retry_after_s"])} if "retry_after_s" in more else None
    return JSONResponse(body, status_code=status, headers=headers, media_type="application/problem+json")
