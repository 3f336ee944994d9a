"""Commands that run a server."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from trailmark_server.api.deadlines import BODY_S, HEAD_S
from trailmark_server.cli.opening import Home, app
from trailmark_server.home import default_home
from trailmark_server.serve import AlreadyRunningError, Options
from trailmark_server.serve import serve as run_server

__all__ = ["serve", "ui"]

Host = Annotated[str, typer.Option(help="Any other than loopback's needs a key: `trailmark keys create NAME`.")]
Port = Annotated[int | None, typer.Option(help="7171 or the next free one; 0 takes any.", min=0, max=65535)]
Insecure = Annotated[bool, typer.Option("--insecure", help="Ask nobody for a key, whatever the address.")]
Allowed = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        help="A name the server is reached by, beside loopback's; repeatable.",
        envvar="TRAILMARK_ALLOWED_HOSTS",
    ),
]
RootPath = Annotated[
    str, typer.Option(help="Where a proxy in front serves it: /trailmark.", envvar="TRAILMARK_ROOT_PATH")
]
LogRequests = Annotated[bool, typer.Option("--log-requests", help="A line for each request; never what it carries.")]
LogJson = Annotated[bool, typer.Option("--log-json", help="The log as JSON lines.")]
HeadTimeout = Annotated[
    float, typer.Option(help="Seconds a client has to ask.", min=0.1, envvar="TRAILMARK_HEAD_TIMEOUT")
]
BodyTimeout = Annotated[
    float,
    typer.Option(help="Seconds a body may keep us waiting; 1 more a KB.", min=0.1, envvar="TRAILMARK_BODY_TIMEOUT"),
]


@app.command()
def ui(home: Home = None, host: Host = "127.0.0.1", port: Port = None) -> None:
    """Open the page on what this machine recorded."""

    def ready(url: str) -> None:
        print(f"trailmark runs at {url} (Ctrl-C ends it)", flush=True)
        webbrowser.open(url)

    try:
        run_server(home or default_home(), Options(host, port), ready=ready)
    except AlreadyRunningError as error:
        if error.url is None:
            raise
        print(f"trailmark runs at {error.url} already")
        webbrowser.open(error.url)


@app.command()
def serve(
    home: Home = None,
    host: Host = "127.0.0.1",
    port: Port = None,
    insecure: Insecure = False,
    allowed_host: Allowed = None,
    root_path: RootPath = "",
    log_requests: LogRequests = False,
    log_json: LogJson = False,
    head_timeout: HeadTimeout = HEAD_S,
    body_timeout: BodyTimeout = BODY_S,
) -> None:
    """Serve the page and take traces, without opening a browser."""
    options = Options(
        host, port, is_insecure=insecure, allowed_hosts=tuple(allowed_host or ()), root_path=root_path.rstrip("/"),
        log_requests=log_requests, log_json=log_json, head_s=head_timeout, body_s=body_timeout,
    )  # fmt: skip
    run_server(home or default_home(), options, ready=lambda url: print(f"trailmark runs at {url}", flush=True))
