"""Files that belong to a span or trace: they survive as spans do, and arrive whole."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trailmark
from trailmark import spool
from trailmark.model import Attachment
from trailmark.testing import Trail

from .conftest import Collector

PIXELS = b"\x89PNG\r\n" + bytes(range(256))


def files(trail: Trail) -> list[dict[str, Any]]:
    return [record for record in trail.records if record["k"] == "file"]


def test_a_span_and_its_trace_take_paths_and_bytes(trail: Trail, tmp_path: Path) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(b"%PDF")

    @trailmark.track
    def draw() -> None:
        trailmark.update_current_span(attachments=[Attachment(PIXELS, "chart.png"), report])
        trailmark.update_current_trace(attachments=[Attachment(str(report), "all.bin", "application/x-mine")])

    draw()
    span = trail.span("draw")
    chart, pdf, whole = files(trail)
    assert [(file["name"], file["content_type"]) for file in (chart, pdf, whole)] == [
        ("chart.png", "image/png"),
        ("report.pdf", "application/pdf"),
        ("all.bin", "application/x-mine"),
    ]
    assert base64.b64decode(chart["data"]) == PIXELS
    assert (chart["size"], chart["sha256"]) == (len(PIXELS), hashlib.sha256(PIXELS).hexdigest())
    assert [file["span_id"] for file in (chart, pdf, whole)] == [span["id"], span["id"], None]
    assert {file["trace_id"] for file in (chart, pdf, whole)} == {span["trace_id"]}


def test_the_client_attaches_when_it_makes_and_later_by_id(trail: Trail) -> None:
    client = trailmark.Client()
    note = [Attachment(b"n", "note.txt")]
    trace = client.trace("t", attachments=note)
    span = trace.span("s", attachments=note)
    span.update(attachments=note)
    client.update_trace(trace.id, attachments=note)
    client.update_span(span.id, trace_id=trace.id, attachments=note)
    assert [file["span_id"] for file in files(trail)] == [None, span.id, span.id, None, span.id]
    assert {file["trace_id"] for file in files(trail)} == {trace.id}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("a.png", "attachments is str; allowed: a list"),
        ([b"x"], "needs a name"),
        ([7], "attachment is int; allowed: a path"),
        (["/nowhere/at/all.png"], "/nowhere/at/all.png"),
        ([Attachment(bytes(16 * 1024 * 1024 + 1), "big.bin")], "'big.bin' has 16777217 bytes; allowed: 16777216"),
    ],
)
def test_what_cannot_be_attached_is_named_and_nothing_is_written(trail: Trail, wrong: Any, message: str) -> None:
    trace = trailmark.Client().trace("t")
    before = len(trail.raw)
    with pytest.raises((TypeError, ValueError, OSError), match=message):
        trace.update(name="other", attachments=wrong)
    assert len(trail.raw) == before


def test_traced_code_does_not_notice_a_file_that_is_missing(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    @trailmark.track
    def work() -> str:
        trailmark.update_current_span(attachments=["/nowhere/at/all.png"])
        return "done"

    assert work() == "done"
    assert "/nowhere/at/all.png" in capfd.readouterr().err


def test_a_trace_out_of_the_sample_writes_no_file(home: Path) -> None:
    trailmark.configure(sample_rate=0.0)
    with trailmark.trace("left out") as block:
        block.update(attachments=[Attachment(PIXELS, "chart.png")])
    assert not spool.segments(home)


def test_an_attachment_survives_a_kill_right_after_the_call(home: Path) -> None:
    program = """
import os, signal, trailmark
from trailmark.model import Attachment
with trailmark.span("s") as block:
    block.update(attachments=[Attachment(bytes(10_000_000), "big.bin")])
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "TRAILMARK_HOME": str(home)}, check=False)
    records = [json.loads(record) for s in spool.segments(home) for record in spool.read(s, 2**26).records]
    [file] = [record for record in records if record["k"] == "file"]
    assert base64.b64decode(file["data"]) == bytes(10_000_000)
    assert {record["id"] for record in records if record["k"] == "span"} == {file["span_id"]}


def test_a_trailmark_server_gets_the_record_as_it_is(home: Path, collector: Collector) -> None:
    trailmark.configure(url=collector.url, flush_timeout=10)
    with trailmark.span("s") as block:
        block.update(attachments=[Attachment(PIXELS, "chart.png")])
    assert trailmark.flush()
    [file] = [record for record in collector.records if record["k"] == "file"]
    assert base64.b64decode(file["data"]) == PIXELS


def test_opik_gets_the_file_by_its_own_upload(home: Path, collector: Collector) -> None:
    collector.native = False
    trailmark.configure(url=collector.url, flush_timeout=10)
    client = trailmark.Client(project_name="p")
    trace = client.trace("t")
    trace.end()
    assert client.flush(10)
    put = f"{collector.url}/api/v1/private/attachment/upload?x=1"
    collector.answers = [(200, {"upload_id": "BEMinIO", "pre_sign_urls": [put]})]
    client.update_trace(trace.id, attachments=[Attachment(PIXELS, "chart.png")])
    assert client.flush(10)
    (_, route, start), (method, target, data) = collector.bodies[-2:]
    assert route == "/api/v1/private/attachment/upload-start"
    assert (start["file_name"], start["mime_type"], start["entity_type"]) == ("chart.png", "image/png", "trace")
    assert (start["entity_id"], start["num_of_file_parts"], start["project_name"]) == (trace.id, 1, "p")
    assert (method, target, data) == ("PUT", "/api/v1/private/attachment/upload?x=1", PIXELS)
