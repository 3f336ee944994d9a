"""Values that cannot be encoded become markers; the span and its siblings are kept and nothing raises."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import math
import threading
from typing import Any

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


def recorded(value: Any) -> Any:
    """What the span of a function with this argument holds."""

    @trailmark.track
    def call(value: Any) -> str:
        sibling()
        return "fine"

    @trailmark.track
    def sibling() -> None: ...

    with record_trail() as trail:
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


def test_a_long_text_is_cut_and_says_so() -> None:
    found = recorded("x" * 10_000_000)
    assert len(found) < 2_000_000
    assert found.endswith("… [cut: 10000000 characters in all]")


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
    assert recorded(value) == value


def test_arrays_tables_and_images_are_summed_up() -> None:
    numpy, pandas, image = pytest.importorskip("numpy"), pytest.importorskip("pandas"), pytest.importorskip("PIL.Image")
    big = numpy.zeros((1000, 3), dtype="float32")
    assert recorded(big) == {"_array": "numpy.ndarray", "shape": [1000, 3], "dtype": "float32"}
    assert recorded(numpy.array([1.5, float("nan")]))["values"] == [1.5, "nan"]
    assert recorded({"n": numpy.int64(3), "f": numpy.float32(0.5), "b": numpy.bool_(True)}) == {
        "n": 3,
        "f": 0.5,
        "b": True,
    }
    frame = pandas.DataFrame({"a": range(1000), "b": "x"})
    assert recorded(frame)["rows"] == 1000
    assert recorded(frame)["head"][1] == {"a": 1, "b": "x"}
    assert recorded(frame["a"]) == {"_series": "pandas.Series", "rows": 1000, "dtype": "int64", "head": [0, 1, 2, 3, 4]}
    assert recorded(image.new("RGB", (20, 10))) == {"_image": "PIL.Image", "size": [20, 10], "mode": "RGB"}


def test_a_tensor_is_summed_up_without_its_library() -> None:
    tensor = type(
        "Tensor", (), {"__module__": "torch", "shape": (2, 2), "dtype": "torch.float16", "device": "cuda:0"}
    )()
    assert recorded(tensor) == {"_array": "torch.Tensor", "shape": [2, 2], "dtype": "torch.float16", "device": "cuda:0"}


def test_a_value_that_is_slow_to_look_at_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trailmark._capture.MAX_SECONDS", -1.0)
    cut = recorded([{1, n} for n in range(2000)])
    assert cut[-1].endswith("more")
    assert len(cut) < 300
