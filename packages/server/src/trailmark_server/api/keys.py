"""Making and revoking keys on the page, for whoever signed in with an admin key."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from trailmark_server.api import models
from trailmark_server.api.access import Access
from trailmark_server.api.problems import Problem
from trailmark_server.keys import Key
from trailmark_server.store import StoreError

__all__ = ["router"]


def router(access: Access) -> APIRouter:
    """`/api/v1/keys`."""

    def admin(request: Request) -> None:
        if not access.is_admin(request.scope):
            raise Problem(
                403, "keys are made by who signed in on the page with an admin key: trailmark keys create NAME --admin"
            )

    routes = APIRouter(prefix="/api/v1/keys", tags=["keys"], dependencies=[Depends(admin)])

    @routes.get("", response_model=list[models.KnownKey])
    def known(response: Response) -> list[dict[str, Any]]:
        """Of all workspaces, oldest first."""
        response.headers["Cache-Control"] = "no-store"
        return [_shown(key) for key in access.keys.all()]

    @routes.post("", response_model=models.MadeKey, status_code=201)
    def create(response: Response, given: models.NewKey) -> dict[str, Any]:
        """The key is in this answer and nowhere else. The first of a server is an admin's: it closes the server."""
        response.headers["Cache-Control"] = "no-store"
        try:
            key, secret = access.keys.create(given.name, given.workspace, is_admin=given.admin or not access.keys.all())
        except StoreError as error:
            raise Problem(400, str(error)) from error
        return {**_shown(key), "key": secret}

    @routes.delete("/{id}", status_code=204)
    def revoke(id: str) -> Response:
        """It and its sessions end with the next request. The last admin key stays while there are others."""
        known = access.keys.all()
        left = [key for key in known if key.id != id]
        if len(left) == len(known):
            raise Problem(404, f"no key {id!r}")
        if left and not any(key.is_admin for key in left):
            raise Problem(409, "it is the last admin key: nobody could make keys here; `trailmark keys revoke` can")
        access.keys.revoke(id)
        return Response(status_code=204)

    return routes


def _shown(key: Key) -> dict[str, Any]:
    return {
        "id": key.id, "name": key.name, "workspace": key.workspace, "admin": key.is_admin, "created_us": key.created_us,
    }  # fmt: skip
