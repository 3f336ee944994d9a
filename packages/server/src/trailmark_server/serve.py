"""One server on one home: store, local ingest, HTTP; on loopback unless there are keys."""

from __future__ import annotations

import contextlib
import re
import resource
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn

from trailmark_server import logs
from trailmark_server.api import create_app
from trailmark_server.api.access import Access, is_loopback
from trailmark_server.api.clients import Clients
from trailmark_server.api.deadlines import BODY_S, HEAD_S, Server
from trailmark_server.api.security import Rules
from trailmark_server.home import announce, database, lock, running_server
from trailmark_server.ingest.local import LocalIngester
from trailmark_server.keys import Keys
from trailmark_server.retention import Keeper
from trailmark_server.store import StoreError, open_store

__all__ = ["PORT", "AlreadyRunningError", "Options", "serve"]

PORT: Final = 7171
TRIES: Final = 50
GRACE_S: Final = 10
MAX_FILES: Final = 65_536
MAX_HEADERS: Final = 64 * 1024
_ROOT: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+\Z")


class AlreadyRunningError(StoreError):
    """Another server works on this home; `url` is where."""

    def __init__(self, home: Path, url: str | None) -> None:
        super().__init__(f"a server already runs on {home}" + (f": {url}" if url else ""))
        self.url = url


@dataclass(frozen=True, slots=True)
class Options:
    """How a server is reached, and what it tells of itself. `port` None: 7171, or the next free one; 0: any."""

    host: str = "127.0.0.1"
    port: int | None = None
    is_insecure: bool = False
    allowed_hosts: tuple[str, ...] = ()
    root_path: str = ""
    log_requests: bool = False
    log_json: bool = False
    head_s: float = HEAD_S
    body_s: float = BODY_S


def serve(home: Path, options: Options, *, ready: Callable[[str], None]) -> None:
    """Serve until interrupted; what was accepted is stored before it returns. `ready` gets the address."""
    rules = _rules(home, options)
    logs.configure(is_json=options.log_json, has_requests=options.log_requests)
    _allow_connections()
    with lock(home) as mine:
        if not mine:
            raise AlreadyRunningError(home, running_server(home))
        listener = _listen(options.host, options.port)
        store = open_store(database(home), indexing=True)
        clients = Clients()
        ingester = LocalIngester(store, home, clients.heard, clients.arrived)
        app = create_app(store, home, clients, rules=rules)
        keeper = Keeper(app.state.stores.every)
        url = _url(options, listener.getsockname()[1])
        config = uvicorn.Config(
            app, log_config=None, access_log=False, http="h11", ws="none",  # one parser everywhere, and the strict one
            lifespan="off", server_header=False,
            timeout_graceful_shutdown=GRACE_S, h11_max_incomplete_event_size=MAX_HEADERS,
        )  # fmt: skip
        try:
            ingester.start()
            keeper.start()
            with announce(home, url), contextlib.suppress(KeyboardInterrupt):
                signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: in order
                app.state.jobs.tell()  # what was left of them goes on
                ready(url)
                Server(config, options.head_s).run(sockets=[listener])
        finally:
            ingester.stop()
            keeper.stop()
            app.state.jobs.stop()
            app.state.stores.close()
            listener.close()


def _allow_connections() -> None:
    """Each takes a file, and many systems allow a process 1,024 unless it asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # some systems allow less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _rules(home: Path, options: Options) -> Rules:
    """StoreError for what would leave recorded data to anyone who can reach the address."""
    keys, is_local = Keys(home), is_loopback(options.host)
    if options.root_path and not _ROOT.match(options.root_path):
        raise StoreError(f"root-path is {options.root_path!r}; allowed: a path such as /trailmark")
    if (others := _for_others(options)) and not options.is_insecure and not keys.all():
        raise StoreError(
            f"{others}: whoever reaches it could read and change everything. Make a key first: "
            "trailmark keys create NAME (or serve 127.0.0.1 alone; or --insecure, if the network is the guard)"
        )
    if options.is_insecure:
        print(
            f"trailmark: INSECURE: no key is asked for; whoever reaches {options.host} reads and changes everything",
            file=sys.stderr, flush=True,
        )  # fmt: skip
    access = Access(keys, is_required=bool(others) and not options.is_insecure, is_open=options.is_insecure)
    hosts = frozenset(name.lower() for name in (*options.allowed_hosts, *([] if is_local else [options.host])))
    return Rules(access, hosts, any_address=not is_local, root_path=options.root_path, body_s=options.body_s)


def _for_others(options: Options) -> str:
    """What says that others reach it, a name or a path being a proxy's to serve; empty for nothing."""
    names = [name for name in options.allowed_hosts if not is_loopback(name)]
    if not is_loopback(options.host):
        return f"host is {options.host!r}"
    if names:
        return f"allowed-host is {names[0]!r}"
    return f"root-path is {options.root_path!r}" if options.root_path else ""


def _url(options: Options, port: int) -> str:
    shown = f"[{options.host}]" if ":" in options.host else options.host
    return f"http://{shown}:{port}{options.root_path}"


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
