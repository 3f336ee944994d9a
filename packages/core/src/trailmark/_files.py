"""Attachments: read in the caller's thread, a record each, so that they survive the process as the span does."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trailmark import wire
from trailmark.model import Attachment, check_text, shown

if TYPE_CHECKING:
    from trailmark._recorder import Recorder, Sink

__all__ = ["AttachmentInput", "File", "read_files", "write_files"]

MAX_BYTES: Final = 16 * 1024 * 1024  # one record each: with base64 it fits every bound on the way

MAX_KIND: Final = 255  # characters

AttachmentInput = Iterable["Attachment | str | os.PathLike[str]"]


@dataclass(frozen=True, slots=True)
class File:
    """An attachment whose content was read."""

    name: str
    content_type: str
    data: bytes


def read_files(given: AttachmentInput | None) -> list[File]:
    """The contents of all, or TypeError, ValueError or OSError that names the attachment; then none is taken."""
    if given is None:
        return []
    if isinstance(given, (str, bytes, os.PathLike, Attachment)) or not isinstance(given, Iterable):
        raise TypeError(f"attachments is {type(given).__name__}; allowed: a list of paths and Attachment(data, name=…)")
    return [_read(item if isinstance(item, Attachment) else Attachment(item)) for item in given]


def _read(attachment: Attachment) -> File:
    data, name, kind = attachment.data, attachment.name, attachment.content_type
    if name is not None:
        check_text("attachment name", name)
    if kind is not None and len(check_text("content_type", kind)) > MAX_KIND:
        raise ValueError(f"content_type is {shown(kind)}; allowed: at most {MAX_KIND} characters")
    if isinstance(data, (bytes, bytearray, memoryview)):
        if not name:
            raise ValueError("an attachment of bytes needs a name: Attachment(data, name='chart.png')")
        _check_size(name, memoryview(data).nbytes)
        content = bytes(data)
    elif isinstance(data, (str, os.PathLike)):
        path = Path(data)
        name = name or path.name
        _check_size(name, path.stat().st_size)
        content = path.read_bytes()
    else:
        raise TypeError(f"attachment is {type(data).__name__}; allowed: a path, or bytes with a name")
    import mimetypes

    return File(name, kind or mimetypes.guess_type(name)[0] or "application/octet-stream", content)


def _check_size(name: str, size: int) -> None:
    if size > MAX_BYTES:
        raise ValueError(f"attachment {name!r} has {size} bytes; allowed: {MAX_BYTES}")


def write_files(
    recorder: Recorder, sink: Sink, project: str, trace_id: str | None, span_id: str | None, files: list[File]
) -> None:
    """A record each, of a span or, without `span_id`, of the trace. Names are redacted, contents are not."""
    if not files:
        return
    import hashlib

    for file in files:
        fields: dict[str, Any] = {
            "trace_id": trace_id,
            "span_id": span_id,
            "project": project,
            "name": recorder.redactor.text(file.name),
            "content_type": file.content_type,
            "size": len(file.data),
            "sha256": hashlib.sha256(file.data).hexdigest(),
            "ts_us": wire.now_us(),
            "data": base64.b64encode(file.data).decode(),
        }
        sink(wire.encode("file", recorder.new_id(), wire.END, fields))
