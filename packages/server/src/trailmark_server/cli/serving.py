"""Commands that run a server."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from trailmark_server.cli.opening import Home, app
from trailmark_server.home import default_home
from trailmark_server.serve import AlreadyRunningError
from trailmark_server.serve import serve as run_server

__all__ = ["serve", "ui"]

Host = Annotated[str, typer.Option(help="A loopback address.")]
Port = Annotated[int | None, typer.Option(help="7171 or the next free one; 0 takes any.", min=0, max=65535)]


@app.command()
def ui(home: Home = None, host: Host = "127.0.0.1", port: Port = None) -> None:
    """Open the page on what this machine recorded."""

    def ready(url: str) -> None:
        print(f"trailmark runs at {url} (Ctrl-C ends it)", flush=True)
        webbrowser.open(url)

    try:
        run_server(home or default_home(), host=host, port=port, ready=ready)
    except AlreadyRunningError as error:
        if error.url is None:
            raise
        print(f"trailmark runs at {error.url} already")
        webbrowser.open(error.url)


@app.command()
def serve(home: Home = None, host: Host = "127.0.0.1", port: Port = None) -> None:
    """Serve the page and take traces, without opening a browser."""
    run_server(
        home or default_home(), host=host, port=port, ready=lambda url: print(f"trailmark runs at {url}", flush=True)
    )
