"""Chunks of chat completions and of plain completions → one answer, kept apart per choice."""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import Any, Final

__all__ = ["ChatAnswer"]

_WORD: Final = re.compile(rb'"delta": ?\{"content": ?"((?:[^"\\]|\\.)*)"\}')
_NOTHING_MORE: Final = re.compile(
    rb'(?:, ?"(?:logprobs|finish_reason)": ?null)*\}\](?:, ?"usage": ?null)?(?:, ?"obfuscation": ?"[^"\\]*")?\}\s*'
)


class ChatAnswer:
    """Adds up chunks. Choices may interleave, start at any index, and come without text."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}
        self._words: dict[bytes, list[str | bytes]] = {}  # by what comes before the word in its chunk

    def add_word(self, chunk: bytes) -> bool:
        """Take an unparsed chunk if it differs from one seen before by one word alone, as nearly all do."""
        found = _WORD.search(chunk)
        if found is None:
            return False
        words = self._words.get(chunk[: found.start()])
        if words is None or _NOTHING_MORE.fullmatch(chunk, found.end()) is None:
            return False
        words.append(found[1])
        return True

    def add(self, chunk: dict[str, Any], raw: bytes) -> None:
        """One chunk, and what it was parsed from."""
        self._add(chunk)
        pieces = chunk["choices"]
        if len(pieces or ()) == 1 and (found := _WORD.search(raw)) and _NOTHING_MORE.fullmatch(raw, found.end()):
            self._words[raw[: found.start()]] = self._choices[pieces[0].get("index") or 0].content

    def _add(self, chunk: dict[str, Any]) -> None:
        pieces = chunk["choices"]
        if not pieces or not self._head.get("model") or chunk.get("usage"):  # the head is said again in every chunk
            self._merge_head(chunk)
        self._last = chunk
        for piece in pieces or ():
            index = piece.get("index") or 0
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = _Choice(index)
            choice.add(piece)

    def answer(self) -> dict[str, Any]:
        """As an answer in one piece would look."""
        self._merge_head(self._last)
        if not self._choices and not self._head:
            return {}
        return {**self._head, "choices": [self._choices[index].answer() for index in sorted(self._choices)]}

    def _merge_head(self, chunk: dict[str, Any]) -> None:
        for key, value in chunk.items():
            if key not in ("choices", "object", "obfuscation") and value not in (None, ""):
                self._head[key] = value


class _Choice:
    def __init__(self, index: int) -> None:
        self._fields: dict[str, Any] = {"index": index, "finish_reason": None}
        self.content: list[str | bytes] = []  # bytes: as in the JSON, still escaped
        self._text: list[str] | None = None  # plain completions
        self._message: dict[str, Any] | None = None
        self._logprobs: dict[str, list[Any]] = {}

    def add(self, piece: dict[str, Any]) -> None:
        delta = piece.get("delta")
        if delta is not None:
            if self._message is None:
                self._message = {"role": "assistant", "content": None}
            content = delta.get("content")
            if type(content) is str:
                self.content.append(content)
            if len(delta) > 1 or content is None:
                _merge(self._message, {key: value for key, value in delta.items() if key != "content"})
        elif type(text := piece.get("text")) is str:
            self._text = self._text or []
            self._text.append(text)
        if piece.get("finish_reason"):
            self._fields["finish_reason"] = piece["finish_reason"]
        if piece.get("logprobs"):
            for key, value in piece["logprobs"].items():
                if isinstance(value, list):
                    self._logprobs.setdefault(key, []).extend(value)

    def answer(self) -> dict[str, Any]:
        answer = dict(self._fields)
        if self._message is not None:
            answer["message"] = self._message
            if self.content and ((content := _joined(self.content)) or len(self._message) == 2):
                self._message["content"] = content
            for call in self._message.get("tool_calls") or ():
                _join_arguments(call)
        if self._text is not None:
            answer["text"] = "".join(self._text)
        if self._logprobs:
            answer["logprobs"] = self._logprobs
        return answer


def _joined(words: list[str | bytes]) -> str:
    return "".join(
        _unescaped(b"".join(run)) if kind is bytes else "".join(run)  # type: ignore[arg-type]  # mypy knows no groupby
        for kind, run in groupby(words, type)
    )


def _unescaped(words: bytes) -> str:
    text = words.decode(errors="replace")
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:  # an escape that is none
        return text


def _merge(message: dict[str, Any], delta: dict[str, Any]) -> None:
    """Texts grow, objects are merged, the rest is replaced. `role` is no growing text."""
    for key, value in delta.items():
        if value is None or key == "obfuscation":
            continue
        if key == "tool_calls":
            _merge_tool_calls(message.setdefault("tool_calls", []), value)
        elif isinstance(value, str) and key not in ("role", "id", "type"):
            message[key] = (message.get(key) or "") + value
        elif isinstance(value, dict):
            _merge(message.setdefault(key, {}), value)
        elif isinstance(value, list):
            message.setdefault(key, []).extend(value)
        else:
            message[key] = value


def _merge_tool_calls(calls: list[dict[str, Any]], pieces: list[dict[str, Any]]) -> None:
    for piece in pieces:
        index = piece.get("index")
        if index is None:
            index = len(calls)
        call = next((call for call in calls if call["index"] == index), None)
        if call is None:
            call = {"index": index}
            calls.append(call)
        for key, value in piece.items():
            if key in ("function", "custom") and isinstance(value, dict):
                target = call.setdefault(key, {})
                for name, text in value.items():
                    if name in ("arguments", "input"):
                        target.setdefault(name, []).append(text or "")
                    elif text:
                        target[name] = text
            elif value not in (None, ""):
                call[key] = value


def _join_arguments(call: dict[str, Any]) -> None:
    for key in ("function", "custom"):
        for name in ("arguments", "input"):
            if isinstance(parts := (call.get(key) or {}).get(name), list):
                call[key][name] = "".join(parts)
