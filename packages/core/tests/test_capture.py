"""Values that cannot be encoded become markers; the span and its siblings are kept and nothing raises."""

from __future__ import annotations

import array
import contextvars
import dataclasses
import datetime
import decimal
import enum
import fractions
import ipaddress
import json
import math
import re
import socket
import sys
import threading
import types
import unittest.mock
import warnings
import weakref
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trailmark
from hypothesis import given
from hypothesis import strategies as st
from trailmark.testing import Trail, record_trail


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __str__ = __repr__


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    lock: Any = dataclasses.field(default_factory=threading.Lock)


def cycle() -> list[Any]:
    found: list[Any] = [1]
    found.append(found)
    return found


def deep(depth: int) -> Any:
    value: Any = "end"
    for _ in range(depth):
        value = [value]
    return value


def recorded(value: Any, **settings: Any) -> Any:
    """What the span of a function with this argument holds."""

    @trailmark.track
    def call(value: Any) -> str:
        sibling()
        return "fine"

    @trailmark.track
    def sibling() -> None: ...

    with record_trail(**settings) as trail:
        assert call(value) == "fine"
        assert trail.tree() == "call (general) ok\n  sibling (general) ok"
        return trail.span("call")["input"]["value"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (threading.Lock(), {"_unserializable": "_thread.lock"}),
        (Hostile(), {"_unserializable": "test_capture.Hostile"}),
        (cycle(), [1, "<cycle>"]),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        ("a\ud800b", "a?b"),
        (b"abc", {"_bytes": 3, "base64": "YWJj"}),
        (Colour.RED, "red"),
        ({1: "a", Colour.RED: "b"}, {"1": "a", "red": "b"}),
        ({"a"}, ["a"]),
        (2**70, str(2**70)),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (Point(1), {"x": 1, "lock": {"_unserializable": "_thread.lock"}}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_difficult_value_becomes_readable(value: Any, expected: Any) -> None:
    found = recorded(value)
    assert str(found).replace("packages.core.tests.", "") == str(expected)


class Trap(BaseException):
    """Raised by whatever is not to be called."""


def trap(*_: Any, **__: Any) -> Any:
    raise Trap


HOOKS = [
    "__repr__",
    "__str__",
    "__format__",
    "__len__",
    "__iter__",
    "__eq__",
    "__bool__",
    "__getattr__",
    "__dict__",
    "__reduce__",
    "__reduce_ex__",
    "__getitem__",
    "__contains__",
    "__call__",
    "__int__",
    "__float__",
    "__index__",
    "__bytes__",
    "__fspath__",
    "__copy__",
    "__deepcopy__",
    "__getstate__",
    "__next__",
    "__array__",
    "__json__",
    "model_dump",
    "dict",
    "to_dict",
    "asdict",
    "_asdict",
    "tolist",
    "items",
    "keys",
    "values",
    "isoformat",
    "name",
    "value",
]
hostile = dict.fromkeys(HOOKS, trap) | {"__class__": property(trap), "__hash__": object.__hash__}
Meta = type("Meta", (type,), {"__getattr__": trap, "__instancecheck__": trap, "__subclasscheck__": trap})


def a_hostile(*bases: type, **more: Any) -> type:
    return type("Hostile", bases, {**{k: v for k, v in hostile.items() if k != "__hash__"}, **more})


@dataclasses.dataclass(eq=False)
class HostileData:
    a: int = 1
    b: Any = None
    __repr__ = __str__ = __getattr__ = __iter__ = __len__ = trap  # type: ignore[assignment]


ZOO: list[tuple[Any, Any]] = [
    (a_hostile(object)(), "marker"),
    (a_hostile(list)([1, 2]), [1, 2]),
    (a_hostile(dict)({"a": 1}), {"a": 1}),
    (a_hostile(str)("text"), "text"),
    (a_hostile(tuple)((1, 2)), [1, 2]),
    (a_hostile(set)({1}), [1]),
    (HostileData(b=[2]), {"a": 1, "b": [2]}),
    (a_hostile(object), {"_unserializable": "type", "name": "test_capture.Hostile"}),
    (Meta("Made", (), {})(), "marker"),
    (Meta("Made", (), {"__hash__": None})(), "marker"),
    (unittest.mock.MagicMock(), "marker"),
    (unittest.mock.Mock(spec=dict), "marker"),
    (unittest, {"_unserializable": "module", "name": "unittest"}),
    (json.dumps, {"_unserializable": "function", "name": "json.dumps"}),
    (len, {"_unserializable": "builtin_function_or_method", "name": "builtins.len"}),
    (weakref.ref(Hostile), "marker"),
    (contextvars.ContextVar("v"), "marker"),
]


@pytest.mark.parametrize(("value", "expected"), ZOO, ids=lambda value: type(value).__name__)
def test_no_code_of_the_users_is_called(value: Any, expected: Any) -> None:
    for found in (recorded(value), recorded([value, "kept"])[0], recorded({"x": value})["x"]):
        if expected == "marker":
            assert "_unserializable" in found
        else:
            assert json.dumps(found).replace("packages.core.tests.", "") == json.dumps(expected)


def test_what_cannot_be_looked_at_spoils_nothing_beside_it() -> None:
    released = memoryview(b"x")
    released.release()
    assert recorded({"a": released, "b": 1}) == {
        "a": {"_unserializable": "memoryview", "because": "ValueError"},
        "b": 1,
    }


def test_open_and_running_things_are_named_and_left_alone(tmp_path: Path) -> None:
    file = (tmp_path / "f").open("w+")
    file.write("text")
    file.seek(0)
    numbers = iter([1, 2, 3])
    squares = (n * n for n in range(3))

    async def never() -> None: ...

    waiting = never()
    with socket.socket() as unconnected, warnings.catch_warnings():
        warnings.simplefilter("error")
        for thing in (file, numbers, squares, map(str, [1]), waiting, unconnected, threading.current_thread()):
            assert set(recorded(thing)) == {"_unserializable"}
    waiting.close()
    assert (file.read(), list(numbers), list(squares)) == ("text", [1, 2, 3], [0, 1, 4])
    file.close()


class Pair(NamedTuple):
    left: Any
    right: Any


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Pair(1, Pair(2, 3)), {"left": 1, "right": {"left": 2, "right": 3}}),
        (fractions.Fraction(1, 3), "1/3"),
        (decimal.Decimal("NaN"), "NaN"),
        (ipaddress.ip_address("::1"), "::1"),
        (re.compile("a+"), "a+"),
        (types.SimpleNamespace(a=1), {"a": 1}),
        (array.array("i", [1, 2]), [1, 2]),
        (slice(1, 2), "slice(1, 2, None)"),
        (..., "..."),
        (datetime.timedelta(minutes=1), 60.0),
        (datetime.datetime(1, 1, 1, tzinfo=datetime.UTC), "0001-01-01T00:00:00+00:00"),
        (frozenset({1}), [1]),
        (10**100, "1" + "0" * 100),
        (10**5000, "<int of 16610 bits>"),
        (-0.0, -0.0),
        (enum.IntFlag("F", "A B").A, 1),  # type: ignore[attr-defined]
        ({1: "a", "1": "b"}, {"1": "a", "1 (2)": "b"}),
        ({("t",): 1, None: 2, math.nan: 3}, {"<tuple>": 1, "None": 2, "nan": 3}),
        ({"k\ud800": "\0\ufeff\u202e🙂"}, {"k?": "\0\ufeff\u202e🙂"}),
        (ExceptionGroup("many", [ValueError("one")]), {"type": "ExceptionGroup", "message": "many (1 sub-exception)"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_has_one_stable_form(value: Any, expected: Any) -> None:
    assert recorded(value) == expected


def test_models_are_read_from_their_storage() -> None:
    pydantic, attrs = pytest.importorskip("pydantic"), pytest.importorskip("attrs")
    v1 = pytest.importorskip("pydantic.v1")

    class Tool(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        model_config = pydantic.ConfigDict(extra="allow")
        name: str
        key: pydantic.SecretStr
        inner: Tool | None = None

        @pydantic.computed_field  # type: ignore[prop-decorator]
        @property
        def cost(self) -> int:
            raise Trap

        @trailmark.track
        def run(self, text: str) -> str:
            return text + self.name

    Tool.model_rebuild(_types_namespace={"Tool": Tool})
    tool = Tool(name="t", key="hidden-value", inner=Tool(name="u", key="hidden-value"), more=[1])
    found = recorded(tool)
    assert (found["name"], found["inner"]["name"], found["more"]) == ("t", "u", [1])
    assert "hidden-value" not in str(found)
    with record_trail() as trail:
        assert tool.run("x") == "xt"
        assert trail.span("run")["input"] == {"text": "x"}

    class Old(v1.BaseModel):  # type: ignore[misc, name-defined]
        a: int = 1

    @attrs.define
    class Slotted:
        b: Any

    class Sub(Slotted):
        pass

    if sys.version_info < (3, 14):
        assert recorded(Old()) == {"a": 1}
    assert recorded([Slotted(2), Sub(3)]) == [{"b": 2}, {"b": 3}]


def test_objects_of_openai_and_langchain_keep_their_fields() -> None:
    chat, messages = pytest.importorskip("openai.types.chat"), pytest.importorskip("langchain_core.messages")
    answer = chat.ChatCompletionMessage(role="assistant", content="Paris", refusal=None)
    assert recorded(answer)["content"] == "Paris"
    found = recorded([messages.HumanMessage("hi"), messages.AIMessage("yes")])
    assert [(one["type"], one["content"]) for one in found] == [("human", "hi"), ("ai", "yes")]


def test_a_value_that_changes_while_it_is_read_is_recorded_somehow() -> None:
    shared: dict[Any, Any] = {n: {n} for n in range(200)}
    stop = threading.Event()

    def churn() -> None:
        n = 0
        while not stop.is_set():
            shared[n % 400] = {n}
            shared.pop((n * 7) % 400, None)
            n += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(50):
            assert recorded(shared) is not None
    finally:
        stop.set()
        thread.join()


def test_deep_nesting_ends_in_a_marker() -> None:
    assert "'_truncated': 'depth'" in str(recorded(deep(10_000)))


def test_a_function_that_returns_such_a_value_returns_it(trail: Trail) -> None:
    lock = threading.Lock()

    @trailmark.track
    def make() -> Any:
        return lock

    assert make() is lock


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_like)
def test_plain_json_is_recorded_as_it_is(value: Any) -> None:
    assert recorded(value, redact=False) == value  # any key: some look secret
