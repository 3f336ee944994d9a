"""Opik's attachment routes: uploads of one part, straight to this server."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode, urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from trailmark_server.api.bodies import read_body, read_json
from trailmark_server.api.files import file_response
from trailmark_server.api.opik import PRIVATE
from trailmark_server.api.problems import Problem
from trailmark_server.store import NotFoundError, Store

__all__ = ["router"]

UPLOAD_ID: Final = "BEMinIO"  # tells Opik's SDK that the parts go to the server itself
Kind = Literal["trace", "span"]
_KEPT: Final = ("entity_type", "entity_id", "file_name", "mime_type", "project_name")


def router(store: Store) -> APIRouter:
    """Everything under `/api/v1/private/attachment`."""
    routes = APIRouter(prefix=f"{PRIVATE}/attachment")

    @routes.post("/upload-start")
    async def start(request: Request) -> Response:
        body = await read_json(request)
        _entity(body.get("entity_type"), body.get("entity_id"))
        if not isinstance(body.get("file_name"), str) or not body["file_name"]:
            raise Problem(400, f"file_name is {body.get('file_name')!r}; allowed: a name")
        query = urlencode({key: body[key] for key in _KEPT if body.get(key)})
        target = f"{_base(body.get('path'), request)}/v1/private/attachment/upload?{query}"
        return JSONResponse({"upload_id": UPLOAD_ID, "pre_sign_urls": [target]})

    @routes.put("/upload", status_code=204)
    async def upload(
        request: Request,
        entity_type: Kind,
        entity_id: str,
        file_name: str,
        mime_type: str = "application/octet-stream",
        project_name: str = "Default Project",
    ) -> Response:
        record = _record(entity_type, entity_id, file_name, mime_type, project_name, await read_body(request))
        await run_in_threadpool(store.write, lambda writer: writer.put([record]))
        return Response(status_code=204, headers={"ETag": f'"{record["id"]}"'})

    @routes.post("/upload-complete", status_code=204)
    def complete() -> Response:
        return Response(status_code=204)

    _add_reads(routes, store)
    return routes


def _add_reads(routes: APIRouter, store: Store) -> None:
    @routes.get("/list")
    def listed(
        entity_type: Kind, entity_id: str, path: str = "", page: int = 1, size: Annotated[int, Query(ge=1)] = 100
    ) -> Response:
        with store.read() as reader:
            found = reader.files(entity_type, entity_id)
        shown = [
            {
                "file_name": file["name"],
                "file_size": file["size"],
                "mime_type": file["content_type"],
                "link": f"{_decoded(path) or ''}/v1/files/{file['id']}",
            }
            for file in found
        ]
        content = shown[max(0, page - 1) * size : max(1, page) * size]
        return JSONResponse({"page": page, "size": len(content), "total": len(shown), "content": content})

    @routes.get("/download")
    def download(entity_type: Kind, entity_id: str, file_name: str) -> Response:
        with store.read() as reader:
            found = [file for file in reader.files(entity_type, entity_id) if file["name"] == file_name]
            if not found:
                raise NotFoundError(f"{entity_type} {entity_id} has no attachment {file_name!r}")
            facts, data = reader.file(found[-1]["id"])
        return file_response(facts["name"], facts["content_type"], data)

    @routes.post("/delete", status_code=204)
    async def delete(request: Request) -> Response:
        body = await read_json(request)
        kind, id = _entity(body.get("entity_type"), body.get("entity_id"))
        await run_in_threadpool(_delete, store, kind, id, body.get("file_names") or [])
        return Response(status_code=204)


def _delete(store: Store, kind: str, id: str, names: list[Any]) -> None:
    with store.read() as reader:
        ids = [file["id"] for file in reader.files(kind, id) if file["name"] in names]
    store.write(lambda writer: writer.delete_files(ids))


def _record(kind: str, entity: str, name: str, content_type: str, project: str, data: bytes) -> dict[str, Any]:
    _entity(kind, entity)
    now = time.time_ns() // 1000
    return {
        "k": "file", "id": str(uuid5(NAMESPACE_URL, f"{kind}/{entity}/{name}")), "ver": now, "ts_us": now,
        "project": project, "name": name, "content_type": content_type, "data": data,
        "trace_id": entity if kind == "trace" else None, "span_id": entity if kind == "span" else None,
    }  # fmt: skip


def _entity(kind: Any, id: Any) -> tuple[str, str]:
    if kind not in ("trace", "span"):
        raise Problem(400, f"entity_type is {kind!r}; allowed: trace, span")
    try:
        return kind, str(UUID(str(id)))
    except ValueError:
        raise Problem(400, f"entity_id is {id!r}; allowed: a UUID") from None


def _base(path: Any, request: Request) -> str:
    """Where the client finds this server, as it says itself; through proxies only it knows."""
    return _decoded(path) or f"{str(request.base_url).rstrip('/')}/api"


def _decoded(path: Any) -> str | None:
    try:
        url = base64.b64decode(path or "", validate=True).decode().rstrip("/")
    except (binascii.Error, UnicodeDecodeError, TypeError):
        return None
    return url if urlsplit(url).scheme in ("http", "https") else None
