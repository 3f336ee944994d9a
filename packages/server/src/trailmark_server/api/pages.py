"""The built page under every address that is no API; without it, one page that says what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from trailmark_server.api.assets import Assets
from trailmark_server.api.problems import problem
from trailmark_server.api.security import CSP
from trailmark_server.store import NotFoundError, Store

__all__ = ["router"]

UI: Final = Path(__file__).parent.parent / "_ui"
_OWN: Final = re.compile(r'\b(src|href)="\.?/(?!/)')  # the page's own files, relative as built
_WITHOUT_UI: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>trailmark</title>
<h1>trailmark runs, its page is not built</h1>
<p>Recording, ingest, the API and the command line work. In a checkout, with Node 20 or later: <code>make ui</code>,
then start again. Until then: <code>trailmark ls</code> and <code>trailmark show last</code>.</p></html>
"""


def router(store: Store, ui: Path = UI) -> APIRouter:
    """Added last: it answers to every path."""
    routes, assets = APIRouter(), Assets(ui)

    @routes.get("/api/v1/session/redirect/projects/", include_in_schema=False)
    def redirect(request: Request, trace_id: str = "") -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/t/{quote(trace_id, safe='')}")

    @routes.get("/t/{trace_id}", include_in_schema=False)
    def permalink(request: Request, trace_id: str) -> Response:
        root = request.scope.get("root_path", "")
        if request.scope.get("trailmark.workspace") is None:
            return _index(ui, root)  # nobody yet, or a link from elsewhere without the cookie: the page asks itself
        with store.read() as reader:
            try:
                project = reader.trace_head(trace_id)["project"]
            except NotFoundError:
                return _index(ui, root)  # not there yet: the page says so, and looks again
        return RedirectResponse(f"{root}/p/{quote(project, safe='')}/traces/{quote(trace_id, safe='')}")

    @routes.api_route("/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)  # HEAD: is it up?
    def page(path: str, request: Request) -> Response:
        if path.startswith("api/"):
            return problem(404, f"no route /{path}")
        if path.startswith("assets/"):
            return assets.answer(path, request, {"Cache-Control": "public, max-age=31536000, immutable"})
        if path in ("boot.js", "favicon.svg") or path.startswith("third-party/"):
            return assets.answer(path, request, {"Cache-Control": "no-cache"})
        return _index(ui, request.scope.get("root_path", ""))

    return routes


def _index(ui: Path, root: str) -> Response:
    headers = {"Content-Security-Policy": CSP, "Cache-Control": "no-cache"}
    if not (ui / "index.html").is_file():
        return HTMLResponse(_WITHOUT_UI, headers=headers)
    text = _OWN.sub(rf'\1="{root}/', (ui / "index.html").read_text(encoding="utf-8"))
    text = text.replace("<head>", f'<head><meta name="trailmark-base" content="{root}">', 1)
    return HTMLResponse(text, headers=headers)
