"""Events of the Responses API, and of every other stream that says its `type` → one answer."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["ResponseAnswer"]

_TERMINAL: Final = ("response.completed", "response.incomplete", "response.failed", "response.cancelled", "error")
# Where the text of a delta belongs if its item never came whole: list on the item, type of part, its text; or a field.
_PARTS: Final = {
    "output_text": ("content", "output_text", "text"),
    "refusal": ("content", "refusal", "refusal"),
    "reasoning_text": ("content", "reasoning_text", "text"),
    "reasoning_summary_text": ("summary", "summary_text", "text"),
}
_FIELDS: Final = {
    "function_call_arguments": "arguments",
    "mcp_call_arguments": "arguments",
    "custom_tool_call_input": "input",
    "code_interpreter_call_code": "code",
}
_KEEP_EVENTS: Final = 200
_MEDIA: Final = ("audio", "b64_json", "partial_image_b64")


class ResponseAnswer:
    """Adds up events. The terminal one has the whole answer; a stream left early has only what was said."""

    def __init__(self) -> None:
        self.is_complete = False
        self._answer: dict[str, Any] = {}
        self._items: dict[int, dict[str, Any]] = {}
        self._done: set[int] = set()
        self._texts: dict[tuple[int, str, int], list[str]] = {}
        self._events: list[dict[str, Any]] = []  # of a kind that nobody has met yet

    def add(self, event: dict[str, Any]) -> None:
        """One event."""
        kind = event.get("type")
        if not isinstance(kind, str):
            self._add_untyped(event)
        elif kind.startswith("response."):
            self._add_response(kind, event)
        elif kind == "error":
            self._answer["error"] = event.get("error") or {k: event.get(k) for k in ("code", "message", "param")}
        elif isinstance(delta := event.get("delta"), str):
            self._texts.setdefault((0, "text", 0), []).append(delta)
        elif kind.endswith((".done", ".completed")):  # images, transcriptions, speech
            self._answer |= {key: value for key, value in event.items() if key != "type"}
            self.is_complete = True
        else:
            self._keep(event)
        if kind in _TERMINAL:
            self.is_complete = True

    def answer(self) -> dict[str, Any]:
        """As an answer in one piece would look."""
        answer = dict(self._answer)
        if said := self._texts.pop((0, "text", 0), None):
            answer.setdefault("text", "".join(said))
        if (self._items or self._texts) and not answer.get("output"):
            answer["output"] = self._partial()
        if self._events and "output" not in answer:
            answer["events"] = self._events
        return answer

    def _add_untyped(self, event: dict[str, Any]) -> None:
        if event.get("error"):
            self._answer["error"] = event["error"]
            self.is_complete = True
        else:
            self._keep(event)

    def _add_response(self, kind: str, event: dict[str, Any]) -> None:
        index = event.get("output_index") or 0
        if isinstance(response := event.get("response"), dict):
            self._answer |= {key: value for key, value in response.items() if key != "output" or value}
        elif isinstance(delta := event.get("delta"), str):
            what = kind[len("response.") :].removesuffix(".delta")
            if what != "audio":
                part = event.get("content_index") or event.get("summary_index") or 0
                self._texts.setdefault((index, what, part), []).append(delta)
        elif isinstance(item := event.get("item"), dict):
            self._items[index] = item
            if kind.endswith(".done"):
                self._done.add(index)

    def _partial(self) -> list[dict[str, Any]]:
        items = {index: dict(item) for index, item in self._items.items()}
        for (index, what, _), pieces in sorted(self._texts.items()):
            if index not in self._done:
                _put(items.setdefault(index, {"type": "message"}), what, "".join(pieces))
        return [items[index] for index in sorted(items)]

    def _keep(self, event: dict[str, Any]) -> None:
        if len(self._events) < _KEEP_EVENTS:
            self._events.append({key: value for key, value in event.items() if key not in _MEDIA})


def _put(item: dict[str, Any], what: str, text: str) -> None:
    if what in _PARTS:
        where, kind, key = _PARTS[what]
        item[where] = [*(item.get(where) or ()), {"type": kind, key: text}]
    else:
        item[_FIELDS.get(what, what)] = text
