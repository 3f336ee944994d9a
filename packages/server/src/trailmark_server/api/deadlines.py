"""How long a client may take to ask, so that slow ones cannot hold every connection."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

__all__ = ["BODY_S", "HEAD_S", "Body", "Server"]

HEAD_S: Final = 10.0
BODY_S: Final = 60.0
SLOWEST: Final = 1000  # bytes a second; a body that comes faster may take as long as it needs


@dataclass(slots=True)
class Body:
    """A request's body: `receive`, but with a 408 when the client has kept us waiting too long. Once the body is whole,
    as for an answer that streams, nothing runs out."""

    inner: Receive
    left_s: float
    is_whole: bool = False
    is_late: bool = False

    async def receive(self) -> Message:
        if self.is_whole:
            return await self.inner()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.left_s):
                message = await self.inner()
        except TimeoutError:
            self.is_late = True
            raise HTTPException(408, "the body did not come in time; send it faster, or in parts") from None
        size = len(message.get("body", b""))
        self.left_s += size / SLOWEST - (time.monotonic() - began)
        self.is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message


class Server(uvicorn.Server):
    """Closes connections that had `head_s` to ask for something and did not: uvicorn itself waits for ever for the end
    of a request's head."""

    def __init__(self, config: uvicorn.Config, head_s: float = HEAD_S) -> None:
        super().__init__(config)
        self._head_s = head_s
        self._waiting: dict[Any, tuple[Any, float]] = {}  # by connection: its last request, and since when it waits

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        self._close_late(time.monotonic())
        return await super().on_tick(counter)

    def _close_late(self, now: float) -> None:
        before, self._waiting = self._waiting, {}
        connections: list[Any] = list(self.server_state.connections)
        for connection in connections:
            last = connection.cycle
            if last is not None and not last.response_complete:
                continue
            known, since = before.get(connection, (last, now))
            since = since if known is last else now
            if now - since < self._head_s:
                self._waiting[connection] = last, since
            elif not connection.transport.get_write_buffer_size():  # else it still reads its last answer
                connection.transport.close()
