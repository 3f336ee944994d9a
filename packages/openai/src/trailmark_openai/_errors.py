"""Exceptions → what a span may know of them: facts beside the message, and no keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["ResponseFailedError", "failure_in", "without_keys"]

_KEY: Final = re.compile(r"(Bearer\s+|\bsk-)[\w\-.]{8,}")
_FACTS: Final = ("status_code", "code", "type", "param", "body")


class ResponseFailedError(Exception):
    """The answer came, and says that it failed; the SDK does not raise for it."""

    __module__ = "trailmark_openai"


def failure_in(told: Any) -> ResponseFailedError:
    """What the answer says of its failure, as an exception: "code: message"."""
    if not isinstance(told, dict):
        return ResponseFailedError(str(told))
    return ResponseFailedError(": ".join(str(told[key]) for key in ("code", "message") if told.get(key)) or str(told))


def without_keys(error: BaseException, api_key: str) -> tuple[BaseException, dict[str, Any]]:
    """The error to record, and its facts; one whose text, or whose cause's, has a key in it is replaced by its like.

    An illegal header, for example, is told with the header: `Illegal header value b'Bearer sk-...'`.
    """
    facts = {key: value for key in _FACTS if (value := getattr(error, key, None)) is not None}
    texts = [str(each) for each in _chain(error)] + [str(facts.get("body", ""))]
    if not any(_KEY.search(text) or (len(api_key) > 7 and api_key in text) for text in texts):
        return error, facts
    kind = type(error)
    text = _KEY.sub(r"\1[hidden]", texts[0].replace(api_key, "[hidden]") if api_key else texts[0])
    facts.pop("body", None)
    like = type(kind.__name__, (Exception,), {"__module__": kind.__module__})
    return like(text).with_traceback(error.__traceback__), facts


def _chain(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    for _ in range(10):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__
