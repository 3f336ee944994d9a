"""Media of a call → attachments of its span. The same content is stored once a trace, however often it is sent."""

from __future__ import annotations

import base64
from weakref import WeakKeyDictionary

from trailmark.instrumentation import Span
from trailmark.model import Attachment

from trailmark_openai._media import Media

__all__ = ["attach"]

_stored: WeakKeyDictionary[Span, set[tuple[str, int, int]]] = WeakKeyDictionary()  # by the root of the trace


def attach(span: Span, found: list[Media]) -> None:
    """Store what the trace has not yet; what is no base64 after all is left out."""
    stored = _stored.setdefault(span.root, set())
    fresh = {key: media for media in found if (key := (media.name, len(media.data), hash(media.data))) not in stored}
    stored.update(fresh)
    attachments = [made for media in fresh.values() if (made := _attachment(media)) is not None]
    if attachments:
        span.update(attachments=attachments)


def _attachment(media: Media) -> Attachment | None:
    data = media.data
    if isinstance(data, str):
        try:
            data = base64.b64decode(data[media.start :], b"-_" if "-" in data or "_" in data else None)
        except ValueError:
            return None
    return Attachment(data, media.name, media.content_type)
