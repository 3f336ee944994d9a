"""Large values and those of libraries: summed up or cut, and what is left out is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import trailmark
from trailmark import spool
from trailmark.testing import Trail

from .test_capture import recorded


def test_a_long_text_is_cut_and_says_so() -> None:
    found = recorded("x" * 10_000_000)
    assert len(found) < 2_000_000
    assert found.endswith("… [cut: 10000000 characters in all]")


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
    assert recorded(numpy.array([object()])) == {"_array": "numpy.ndarray", "shape": [1], "dtype": "object"}
    assert recorded(image.new("RGB", (20, 10))) == {"_image": "PIL.Image", "size": [20, 10], "mode": "RGB"}


def test_arrow_tables_are_summed_up() -> None:
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"a": range(1000), "b": ["x"] * 1000})

    assert recorded(table)["rows"] == 1000
    assert recorded(table)["columns"] == ["a", "b"]
    assert recorded(table)["head"][1] == {"a": 1, "b": "x"}
    assert recorded(table["a"])["head"] == recorded(arrow.array(range(9)))["head"] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("library", ["jaxlib._jax", "tensorflow.python", "scipy.sparse", "torch"])
def test_an_array_that_may_wait_for_a_device_is_not_asked_for_its_values(library: str) -> None:
    def tolist(self: Any) -> Any:
        raise AssertionError("asked")

    about = {"__module__": library, "shape": (2, 2), "dtype": "float32", "layout": "torch.sparse_coo", "tolist": tolist}
    array = type("Array", (), about)()

    assert recorded(array) == {"_array": f"{library.partition('.')[0]}.Array", "shape": [2, 2], "dtype": "float32"}


def test_a_text_that_is_cut_anyway_is_not_encoded_whole() -> None:
    """Memory tells: a copy of it would show."""
    huge = "x" * 200_000_000
    tracemalloc.start()
    kept = recorded(huge)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept.endswith("… [cut: 200000000 characters in all]")
    assert peak < 40_000_000


def test_a_long_dict_or_set_says_how_much_there_was() -> None:
    assert recorded({f"k{n}": {n} for n in range(50_000)})["…"].endswith(" more")
    cut = recorded(set(range(50_000)))
    assert cut[-1] == f"… {50_000 - len(cut) + 1} more"


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


def test_half_a_surrogate_pair_costs_one_letter_wherever_it_stands(trail: Trail) -> None:
    bad, said = "a\ud800b", "a?b"
    about: dict[str, Any] = {
        "tags": [bad],
        "metadata": {bad: bad},
        "scores": [{"name": bad, "label": bad, "reason": bad}],
    }
    with trailmark.trace(bad, user_id=bad, input={bad: [bad]}, model=bad, usage_raw={bad: bad}, **about):
        trailmark.update_current_span(**about)
    client = trailmark.Client()
    client.trace(bad, thread_id=bad, **about).end()
    client.update_trace(trail.spans[0]["trace_id"], name=bad, **about)
    client.score_span(trail.spans[0]["id"], bad, 1, reason=bad)
    score = {"name": said, "value": None, "label": said, "reason": said}
    span = trail.span(said)

    assert (span["tags"], span["metadata"], span["scores"]) == ([said], {said: said}, [score])
    assert (span["input"], span["model"], span["usage_raw"]) == ({said: [said]}, said, {said: said})
    assert [(trace["tags"], trace["scores"]) for trace in trail.traces] == [([said], [score])] * 2
    assert {record["name"] for record in trail.records if record["k"] == "score"} == {said}


SCARCE = """
import resource, sys
import trailmark

@trailmark.track
def work(value):
    return [value]

used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
text = "x" * 150_000_000
resource.setrlimit(resource.RLIMIT_AS, (used + 700_000_000,) * 2)
for value in ({"a": [{"b": text}]}, [text[:1_000_000]] * 100, {text[:5_000_000]: 1}):
    assert work(value)[0] is value
cycle = [text[:10]]
cycle.append(cycle)
assert work(cycle)[0] is cycle
print("done")
"""


def test_a_huge_text_deep_in_a_value_never_reaches_the_encoder_whole_where_memory_is_scarce(home: Path) -> None:
    environ = {**os.environ, "TRAILMARK_HOME": str(home), "TRAILMARK_QUIET": "true"}
    done = subprocess.run([sys.executable, "-c", SCARCE], env=environ, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    found = [json.loads(record) for segment in spool.segments(home) for record in spool.read(segment).records]
    assert sum("[cut: 150000000 characters in all]" in json.dumps(record, ensure_ascii=False) for record in found) == 2
    assert {record["status"] for record in found if record["ver"] == 2} == {"ok"}
