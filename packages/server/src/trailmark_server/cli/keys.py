"""API keys: who may ask a server that is more than this machine's."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from trailmark_server.cli.opening import Home, Json, app, console
from trailmark_server.home import default_home
from trailmark_server.keys import DEFAULT, Keys

__all__ = ["create", "ls", "revoke"]

keys = typer.Typer(no_args_is_help=True, help="API keys of a server; as soon as there is one, every request needs one.")
app.add_typer(keys, name="keys")


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is, for the list.")],
    workspace: Annotated[str, typer.Option(help="All that the key sees; made when it is first used.")] = DEFAULT,
    admin: Annotated[bool, typer.Option("--admin", help="Who signs in with it makes keys on the page.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown now and never again."""
    key, secret = Keys(home or default_home()).create(name, workspace, is_admin=admin)
    if as_json:
        told = {"id": key.id, "name": key.name, "workspace": key.workspace, "admin": admin, "key": secret}
        print(json.dumps(told))
        return
    print(secret)
    console().print(
        f"Key {key.id} of workspace {key.workspace}. Only its hash is kept: copy it now.\n"
        "Programs: TRAILMARK_API_KEY=<key>. The page asks for it once.", style="dim",
    )  # fmt: skip


@keys.command()
def ls(home: Home = None, as_json: Json = False) -> None:
    """All keys, without their secrets."""
    found = Keys(home or default_home()).all()
    if as_json:
        shown = [{name: value for name, value in asdict(key).items() if name != "hash"} for key in found]
        print(json.dumps(shown, indent=2))
        return
    table = Table(box=None, header_style="dim")
    for column in ("id", "name", "workspace", "admin", "made"):
        table.add_column(column)
    for key in found:
        made = datetime.fromtimestamp(key.created_us / 1e6).astimezone()
        table.add_row(key.id, key.name, key.workspace, "yes" if key.is_admin else "", made.strftime("%Y-%m-%d %H:%M"))
    console().print(table if found else "No keys: a server on loopback asks nobody for one.")


@keys.command()
def revoke(id: Annotated[str, typer.Argument(help="As `trailmark keys ls` shows it.")], home: Home = None) -> None:
    """Take a key back: it and its sessions end with the next request."""
    key = Keys(home or default_home()).revoke(id)
    print(f"revoked {key.id} ({key.name}, workspace {key.workspace})")
