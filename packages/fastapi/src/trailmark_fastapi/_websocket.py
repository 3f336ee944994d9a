"""A websocket: one connection is one trace."""

from __future__ import annotations

from typing import Any

from starlette.types import Message
from trailmark.instrumentation import fault
from trailmark.model import Status

from trailmark_fastapi._exchange import Exchange
from trailmark_fastapi._names import template

__all__ = ["WebSocketExchange"]


class WebSocketExchange(Exchange):
    """One connection: counts its messages."""

    _denied = 0
    _in = _out = 0
    _code: int | None = None
    _is_accepted = False

    async def send(self, message: Message) -> None:
        """What the application tells the client."""
        await self._send(message)
        try:
            self._sent(message)
        except Exception as error:  # noqa: BLE001 - by hand, as for every message of a request
            fault("watching a websocket", error)

    def _received(self, message: Message) -> None:
        if message["type"] == "websocket.receive":
            self._in += 1
        elif message["type"] == "websocket.disconnect" and self._code is None:
            self._code = message.get("code", 1005)

    def _sent(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            self._is_accepted = True
            if self._go_by(template(self._scope, self._root_before)) and self.span is not None:
                self.span.tell()
        elif kind == "websocket.http.response.start":
            self._denied = message["status"]
        elif kind == "websocket.send":
            self._out += 1
        elif kind == "websocket.close" and self._code is None:
            self._code = message.get("code", 1000)

    def _fail(self, error: BaseException) -> None:
        if type(error).__name__ == "WebSocketDisconnect":
            self._code = self._code or getattr(error, "code", None)
        else:
            super()._fail(error)

    def _answer(self) -> tuple[Status | None, dict[str, Any], str | None]:
        answer = {"received": self._in, "sent": self._out, "code": self._code, "accepted": self._is_accepted}
        if self._denied:
            answer["status"] = self._denied
        return "cancelled" if self._code == 1006 else "error" if self._code == 1011 else None, answer, ""
