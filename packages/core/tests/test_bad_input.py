"""What a wrong value says where it is given to us directly, and that it breaks nothing inside traced code."""

from __future__ import annotations

import decimal
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trailmark
from trailmark import context, spool
from trailmark.testing import Trail, record_trail

Client = trailmark.Client
ID = uuid.UUID("018bcfe5-6800-7000-8000-000000000001")


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


VALUES: dict[str, Any] = {
    "none": None, "flag": True, "zero": 0, "number": 1.5, "negative": -1, "nan": float("nan"), "endless": float("inf"),
    "huge": 10**5000, "text": "x", "half": "\ud800", "blank": " ", "long": "x" * 20_000, "bytes": b"x", "list": [1],
    "texts": ["x"], "mapping": {1: 2}, "hostile": Hostile(), "function": len, "uuid": ID,
    "decimal": decimal.Decimal("1.5"), "error": ValueError("e"),
}  # fmt: skip
WORDS = "none text half blank long zero negative uuid"
NAME = "text half"
ANYTHING = " ".join(VALUES)


def client() -> trailmark.Client:
    return trailmark.Client()


def span(**fields: Any) -> Any:
    return client().trace("t").span("s", **fields)


CONFIGURED = (
    "url", "api_key", "workspace", "project_name", "sample_rate", "sampler", "capture_input", "flush_timeout",
    "spool_max_bytes", "redact",
)  # fmt: skip

# What is called, the field as the error names it, and which of VALUES are allowed.
DIRECT: list[tuple[Callable[[Any], object], str, str]] = [
    (trailmark.flush, "timeout", "none zero number endless huge"),
    (lambda v: client().flush(v), "timeout", "none zero number endless huge"),
    (trailmark.set_tracing_active, "active", "none flag"),
    (context.copy_to_thread, "function", "function"),
    (lambda v: trailmark.track()(v), "function", "function"),
    (lambda v: trailmark.track(name=v), "name", f"none {NAME}"),
    (lambda v: trailmark.track(type=v), "type", ""),
    (lambda v: trailmark.track(tags=v), "tags", "none texts"),
    (lambda v: trailmark.track(metadata=v), "metadata", "none mapping"),
    (lambda v: trailmark.track(project_name=v), "project_name", f"none {NAME}"),
    (lambda v: trailmark.track(thread_id=v), "thread_id", f"none {NAME} zero negative uuid"),
    (lambda v: trailmark.track(capture_input=v), "capture_input", "flag"),
    (lambda v: trailmark.track(capture_output=v), "capture_output", "flag"),
    (lambda v: trailmark.track(flush=v), "flush", "flag"),
    (lambda v: trailmark.track(ignore_arguments=v), "ignore_arguments", "none texts"),
    (lambda v: trailmark.track(aggregate=v), "aggregate", "none function"),
    (lambda v: trailmark.configure(url=v), "url", "none"),
    (lambda v: trailmark.configure(api_key=v), "api_key", "none text"),
    (lambda v: trailmark.configure(workspace=v), "workspace", "none text"),
    (lambda v: trailmark.configure(project_name=v), "project_name", f"none {NAME}"),
    (lambda v: trailmark.configure(sample_rate=v), "sample_rate", "none zero"),
    (lambda v: trailmark.configure(sampler=v), "sampler", "none function"),
    (lambda v: trailmark.configure(capture_input=v), "capture_input", "none flag zero"),
    (lambda v: trailmark.configure(flush_timeout=v), "flush_timeout", "none zero number decimal"),
    (lambda v: trailmark.configure(spool_max_bytes=v), "spool_max_bytes", "none"),
    (lambda v: trailmark.configure(redact=v), "redact", "none flag zero function"),
    (lambda v: trailmark.configure(nonsense=v if v is not None else 1), "nonsense", ""),
    (lambda v: Client(v), "project_name", f"none {NAME}"),
    (lambda v: Client(url=v), "url", "none"),
    (lambda v: Client(api_key=v), "api_key", "none text"),
    (lambda v: client().trace(v), "name", NAME),
    (lambda v: client().trace("t", start_time=v), "start_time", "none"),
    (lambda v: client().trace("t", end_time=v), "end_time", "none"),
    (lambda v: client().trace("t", metadata=v), "metadata", "none mapping"),
    (lambda v: client().trace("t", tags=v), "tags", "none texts"),
    (lambda v: client().trace("t", thread_id=v), "thread_id", WORDS),
    (lambda v: client().trace("t", user_id=v), "user_id", WORDS),
    (lambda v: client().trace("t", environment=v), "environment", WORDS),
    (lambda v: client().trace("t", scores=v), "score", "none"),
    (lambda v: client().trace("t", attachments=v if v != ["x"] else 5), "attach", "none"),
    (lambda v: client().trace("t", nonsense=v), "nonsense", ""),
    (lambda v: client().trace("t").end(end_time=v), "end_time", "none"),
    (lambda v: client().trace("t").span(v), "name", NAME),
    (lambda v: span(type=v), "type", ""),
    (lambda v: span(input=v), "input", ANYTHING),
    (lambda v: span(output=v), "output", ANYTHING),
    (lambda v: span(usage_raw=v), "usage_raw", ANYTHING),
    (lambda v: span(usage=v), "usage", "none"),
    (lambda v: span(usage={"input": v}), "usage", "none zero"),
    (lambda v: span(total_cost=v), "total_cost", "none zero number decimal"),
    (lambda v: span(model=v), "model", WORDS),
    (lambda v: span(provider=v), "provider", WORDS),
    (lambda v: span(start_time=v), "start_time", "none"),
    (lambda v: span(nonsense=v), "nonsense", ""),
    (lambda v: span().update(name=v), "name", WORDS),
    (lambda v: span().end(end_time=v), "end_time", "none"),
    (lambda v: span().end(error=v), "error", "none error"),
    (lambda v: client().trace("t").end(error=v), "error", "none error"),
    (lambda v: span().score("q", v), "score 'q'", "flag zero number negative decimal"),
    (lambda v: span().score(v, 1), "score name", NAME),
    (lambda v: span().score("q", 1, label=v), "label", "none text half blank long"),
    (lambda v: span().score("q", 1, reason=v), "reason", "none text half blank long"),
    (lambda v: client().score_trace(v, "q", 1), "id", "uuid"),
    (lambda v: client().score_span(v, "q", 1), "id", "uuid"),
    (lambda v: client().score_thread(v, "q", 1), "thread id", f"{NAME} zero negative uuid"),
    (lambda v: client().update_trace(v, tags=["x"]), "id", "uuid"),
    (lambda v: client().update_trace(ID, user_id=v), "user_id", WORDS),
    (lambda v: client().update_span(v, tags=["x"]), "id", "uuid"),
    (lambda v: client().update_span(ID, trace_id=v or 5, tags=["x"]), "id", "uuid"),
    (lambda v: client().update_span(ID, total_cost=v), "total_cost", "none zero number decimal"),
    (lambda v: client().get_trace(v), "id", "uuid"),
    (lambda v: client().get_span(v), "id", "uuid"),
    (lambda v: client().delete_trace(v), "id", "uuid"),
    (lambda v: client().get_attachment(v), "id", "uuid"),
    (lambda v: client().search_traces(v), "filter", "text half blank"),
    (lambda v: client().search_spans("", project_name=v), "project_name", f"none {NAME}"),
    (lambda v: client().search_traces("", limit=v), "limit", "huge"),
]


@pytest.mark.parametrize("row", range(len(DIRECT)), ids=[f"{field}-{n}" for n, (_, field, _) in enumerate(DIRECT)])
def test_who_calls_us_directly_with_a_wrong_value_gets_an_error_that_names_it(
    row: int, trail: Trail, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRAILMARK_HOME", str(tmp_path))  # of who asks for a server: there is none
    call, field, allowed = DIRECT[row]
    for name, value in VALUES.items():
        try:
            call(value)
        except (TypeError, ValueError) as error:
            told = str(error)
            assert name not in allowed.split(), told
            assert field in told.partition("; allowed: ")[0] or field in told.partition("; known: ")[0], told
            assert len(told) < 600, told
        except trailmark.TrailmarkError:  # nobody to ask: the values were fine
            assert name in allowed.split()
        else:
            assert name in allowed.split(), name
        finally:
            trailmark.set_tracing_active(True)
            trailmark.configure(**dict.fromkeys(CONFIGURED))


def test_inside_traced_code_no_value_breaks_the_program_or_costs_more_than_itself(tmp_path: Path) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("TRAILMARK_", "OPIK_"))}
    done = subprocess.run(
        [sys.executable, Path(__file__).parent / "programs" / "bad_input.py"],
        env=clean | {"TRAILMARK_HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
    assert "Traceback" not in done.stderr
    found = [json.loads(record) for segment in spool.segments(tmp_path) for record in spool.read(segment).records]
    ended = [record for record in found if record["ver"] == 2 and "beside" in str(record.get("output"))]
    assert len(ended) == 2 * 24
    assert {record["status"] for record in ended} == {"ok"}
    assert sum("kept" in record.get("tags", ()) for record in ended) == 2 * 23
    assert sum("kept" in record.get("metadata", ()) for record in ended) == 2 * 23


def test_numbers_and_truths_of_other_libraries_are_numbers_and_truths() -> None:
    numpy = pytest.importorskip("numpy")
    given = {"sure": numpy.True_, "share": numpy.float32(0.5), "half": decimal.Decimal("1.5"), "count": numpy.int64(3)}
    with record_trail() as trail, trailmark.span("judged", scores=given, total_cost=decimal.Decimal("0.25")):
        pass
    judged = trail.span("judged")
    found = {score["name"]: score["value"] for score in judged["scores"]}
    assert found == {"sure": True, "share": 0.5, "half": 1.5, "count": 3}
    assert found["sure"] is True
    assert judged["total_cost"] == 0.25
