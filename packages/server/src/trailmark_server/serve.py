"""One server on one home: store, local ingest, HTTP on loopback."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvicorn

from trailmark_server.api import create_app
from trailmark_server.api.clients import Clients
from trailmark_server.api.security import LOOPBACK
from trailmark_server.home import announce, database, lock, running_server
from trailmark_server.ingest.local import LocalIngester
from trailmark_server.store import StoreError, open_store

__all__ = ["PORT", "AlreadyRunningError", "serve"]

PORT: Final = 7171
TRIES: Final = 50


class AlreadyRunningError(StoreError):
    """Another server works on this home; `url` is where."""

    def __init__(self, home: Path, url: str | None) -> None:
        super().__init__(f"a server already runs on {home}" + (f": {url}" if url else ""))
        self.url = url


def serve(home: Path, *, host: str, port: int | None, ready: Callable[[str], None]) -> None:
    """Serve until interrupted. `port` None: 7171, or the next free one; 0: any. `ready` gets the address."""
    if host not in LOOPBACK:
        raise StoreError(
            f"host is {host!r}; allowed: {', '.join(sorted(LOOPBACK))}. Any other would need keys, which this version "
            "does not have: put an authenticating proxy in front"
        )
    with lock(home) as mine:
        if not mine:
            raise AlreadyRunningError(home, running_server(home))
        listener = _listen(host, port)
        store = open_store(database(home), indexing=True)
        clients = Clients()
        ingester = LocalIngester(store, home, clients.heard)
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listener.getsockname()[1]}"
        config = uvicorn.Config(create_app(store, home, clients), log_level="warning", access_log=False, lifespan="off")
        try:
            ingester.start()
            with announce(home, url), contextlib.suppress(KeyboardInterrupt):
                signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: in order
                ready(url)
                uvicorn.Server(config).run(sockets=[listener])
        finally:
            ingester.stop()
            store.close()
            listener.close()


def _listen(host: str, port: int | None) -> socket.socket:
    wanted = range(PORT, PORT + TRIES) if port is None else (port,)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in wanted:
        # by its protocol asyncio knows that it may switch off the delay of small packets: 40 ms an answer
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, number))
            listener.listen(128)
        except OSError as error:
            listener.close()
            reason = error.strerror
            continue
        return listener
    raise StoreError(f"port {port if port is not None else f'{PORT} to {PORT + TRIES - 1}'} on {host}: {reason}")
