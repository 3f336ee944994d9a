"""What belongs to a trace as a whole, encoded when it is given; and how metadata, tags and scores add up. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

from trailmark._media import Media
from trailmark.model import UNSET, Score, ScoreInput, check_mapping, check_scores, check_texts, check_word

if TYPE_CHECKING:
    from trailmark._recorder import Recorder

__all__ = ["TraceFields", "merged_metadata", "merged_scores", "merged_tags"]

_TEXTS: Final = ("name", "thread_id", "user_id", "environment")
_ALLOWED: Final = "name, input, output, metadata, tags, thread_id, user_id, environment, scores, attachments"


def merged_scores(have: list[Score], *given: ScoreInput | None) -> list[Score]:
    """With those given, which replace others by name; TypeError or ValueError when one is none."""
    named = {score["name"]: score for score in have}
    for some in given:
        if some is not None:
            named.update((score["name"], score) for score in check_scores(some))
    return list(named.values())


def merged_tags(have: list[str], given: Iterable[str]) -> list[str]:
    """With those given, each once; TypeError when they are no texts."""
    return list(dict.fromkeys([*have, *check_texts("tags", given)]))


def merged_metadata(have: bytes | None, given: bytes) -> bytes:
    """Both as captured; of a key that is in both, what was given later."""
    if have is None:
        return given
    parts = [orjson.loads(have), orjson.loads(given)]
    if not all(isinstance(part, dict) for part in parts):  # a user's redactor makes of them what it likes
        return given
    return orjson.dumps({**parts[0], **parts[1]})


class TraceFields:
    """What rides on the root span's record, or on a trace's own."""

    media: Media | None = None

    def __init__(self, recorder: Recorder, *, of_edit: bool = False) -> None:
        self._recorder = recorder
        self.captured: dict[str, bytes] = {}  # input, output, metadata, tags, scores
        self.plain: dict[str, str] = {}  # name, thread_id, user_id, environment
        self.scores: list[Score] = []
        self._tags: list[str] = []
        self._encoded: bytes | None = None
        if not of_edit and recorder.has_defaults:
            self.captured |= recorder.default_fields
            self.plain |= recorder.default_texts

    def update(
        self,
        *,
        input: Any = UNSET,
        output: Any = UNSET,
        metadata: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        scores: ScoreInput | None = None,
        feedback_scores: ScoreInput | None = None,
        **texts: str | None,
    ) -> None:
        """Merge metadata, add tags, replace scores by name, set the rest; or raise for what is not allowed."""
        unknown = texts.keys() - set(_TEXTS)
        if unknown:
            raise TypeError(f"a trace has no {', '.join(sorted(unknown))}; allowed: {_ALLOWED}")
        words = {name: check_word(name, text) for name, text in texts.items() if text is not None}
        more = check_mapping("metadata", metadata) if metadata is not None else None
        new_tags = merged_tags(self._tags, tags) if tags is not None else self._tags
        new_scores = merged_scores(self.scores, scores, feedback_scores)
        recorder, captured = self._recorder, self.captured
        for name, value in (("input", input), ("output", output)):
            if value is not UNSET:
                captured[name] = recorder.capture(value, self._take_media, name)
        if more:
            captured["metadata"] = merged_metadata(captured.get("metadata"), recorder.capture(more))
        for name, have, new in (("tags", self._tags, new_tags), ("scores", self.scores, new_scores)):
            if new != have:
                captured[name] = recorder.redactor(orjson.dumps(new))
        self._tags, self.scores = new_tags, new_scores
        self.plain |= {name: recorder.redactor.text(word) for name, word in words.items()}
        self._encoded = None

    def keep_name(self, name: str) -> None:
        """The trace goes by this name unless it has one of its own."""
        if "name" not in self.plain:
            self.plain["name"], self._encoded = name, None

    def fields(self) -> dict[str, Any]:
        """The record's fields; empty ones are left out."""
        return {name: orjson.Fragment(data) for name, data in self.captured.items()} | self.plain

    def encoded(self) -> bytes:
        """The fields as JSON: made once for all records until they change."""
        if self._encoded is None:
            self._encoded = orjson.dumps(self.fields()) if self.captured or self.plain else b"{}"
        return self._encoded

    def _take_media(self, field: str, data: str | bytes) -> str | None:
        if self.media is None:
            self.media = Media(keep=self._recorder.keep_media)
        return self.media.take(field, data)
