"""The built page's files, read once and kept: a page is a dozen of them, and they are small."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Final, NamedTuple

from fastapi import Request, Response

from trailmark_server.api.problems import Problem

__all__ = ["Assets"]

# Whatever the machine's own registry of types says.
_TYPES: Final = {".js": "text/javascript", ".md": "text/plain", ".woff2": "font/woff2"}


class _Read(NamedTuple):
    modified_ns: int
    body: bytes
    packed: bytes | None  # as the build packed it


class Assets:
    """Files of a folder as answers; a build that replaces one is seen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._files: dict[Path, _Read] = {}

    def answer(self, path: str, request: Request, headers: dict[str, str]) -> Response:
        """404 for what is not in the folder."""
        file = (self._folder / path).resolve()
        if not file.is_relative_to(self._folder) or not file.is_file():
            raise Problem(404, f"no file {path}")
        read = self._read(file)
        body, more = read.body, {"Vary": "Accept-Encoding"} if read.packed else {}
        if read.packed and "gzip" in request.headers.get("accept-encoding", ""):
            body, more = read.packed, {**more, "Content-Encoding": "gzip"}
        kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0]
        return Response(body, media_type=kind, headers={**headers, **more})

    def _read(self, file: Path) -> _Read:
        modified = file.stat().st_mtime_ns
        known = self._files.get(file)
        if known is None or known.modified_ns != modified:
            packed = file.with_name(f"{file.name}.gz")
            known = _Read(modified, file.read_bytes(), packed.read_bytes() if packed.is_file() else None)
            self._files[file] = known
        return known
