"""Signing in on the page: a key once, then a cookie that no script can read. Never in an address."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from trailmark_server.api import models
from trailmark_server.api.access import COOKIE, SESSION_S, Access
from trailmark_server.api.problems import Problem

__all__ = ["router"]


def router(access: Access) -> APIRouter:
    """`/api/v1/session`."""
    routes = APIRouter(prefix="/api/v1", tags=["session"])

    @routes.get("/session", response_model=models.Session)
    def state(request: Request, response: Response) -> dict[str, Any]:
        """Whether a key is needed, and in which workspace the asker is; null for nobody."""
        response.headers["Cache-Control"] = "no-store"
        try:
            workspace = access.workspace(request.headers)
        except Problem:
            workspace = None
        return {"auth": access.is_needed(), "workspace": workspace, "admin": access.is_admin(request.scope)}

    @routes.post("/session", response_model=models.Session)
    def sign_in(request: Request, response: Response, given: models.SignIn) -> dict[str, Any]:
        found = access.session(given.key.strip())
        if found is None:
            access.refuse(request.scope)
            raise Problem(401, "the key is not known; `trailmark keys ls` on the server shows which there are")
        key, cookie = found
        path = request.scope.get("root_path") or "/"
        is_secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, cookie, max_age=SESSION_S, path=path, httponly=True, samesite="strict", secure=is_secure
        )
        response.headers["Cache-Control"] = "no-store"
        return {"auth": access.is_needed(), "workspace": key.workspace, "admin": key.is_admin}

    @routes.delete("/session", status_code=204)
    def sign_out(request: Request) -> Response:
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path=request.scope.get("root_path") or "/", httponly=True, samesite="strict")
        return response

    return routes
