"""Pictures, recordings and documents in recorded values are kept beside the record, once, and named where they stood."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trailmark
from trailmark import spool
from trailmark.testing import Trail, record_trail

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300
WAV = b"RIFF\0\0\0\0WAVEfmt " + os.urandom(60_000)
NAMED = re.compile(r"\[(input|output)-attachment-\d+-\d+-sdk\.(\w+)\]")


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@trailmark.track
def call(value: Any) -> Any:
    return value.get("answer") if isinstance(value, dict) else None


def files(trail: Trail) -> list[dict[str, Any]]:
    return [record for record in trail.records if record["k"] == "file"]


@pytest.mark.parametrize(
    ("given", "kind", "data"),
    [
        (f"data:image/png;base64,{text(PNG)}", "image/png", PNG),
        (f"data:image/svg+xml;charset=utf-8;base64,{text(PNG)}", "image/svg+xml", PNG),
        (text(PNG), "image/png", PNG),
        (text(PNG).rstrip("="), "image/png", PNG),
        (base64.urlsafe_b64encode(WAV).decode(), "audio/wav", WAV),
        (PNG, "image/png", PNG),
        (memoryview(WAV), "audio/wav", WAV),
        (text(PNG * 70), "image/png", PNG * 70),  # larger than a field may be
    ],
    ids=["data URL", "data URL with more", "base64", "no padding", "URL-safe", "bytes", "memoryview", "5 MB"],
)
def test_media_become_attachments(trail: Trail, given: Any, kind: str, data: bytes) -> None:
    call(
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": given}}, "what is it?"]}]}
    )
    recorded = trail.span("call")["input"]["value"]["messages"][0]["content"]
    named = NAMED.fullmatch(recorded[0]["image_url"]["url"])
    assert named is not None
    assert recorded[1] == "what is it?"
    [file] = files(trail)
    assert (file["name"], file["content_type"], file["size"]) == (named[0][1:-1], kind, len(data))
    assert base64.b64decode(file["data"]) == data
    assert (file["span_id"], file["trace_id"]) == (trail.span("call")["id"], trail.span("call")["trace_id"])


def test_each_is_kept_once_however_often_it_stands_there(trail: Trail) -> None:
    call({"a": text(PNG), "again": [text(PNG)], "answer": text(WAV)})
    given = trail.span("call")["input"]["value"]
    assert given["a"] == given["again"][0] != given["answer"]
    assert trail.span("call")["output"] == given["answer"]
    assert len(files(trail)) == 2


@pytest.mark.parametrize(
    "given",
    [f"data:image/png;base64,{text(PNG[:3000])}", "A" * 100_000, os.urandom(40_000).hex(), "word " * 20_000,
     text(b"no kind that is known" * 4000), text(PNG) + "!"],
    ids=["small", "letters", "hex", "prose", "unknown kind", "broken"],
)  # fmt: skip
def test_what_is_small_or_no_media_stays_where_it_is(trail: Trail, given: str) -> None:
    call(given)
    assert trail.span("call")["input"]["value"] == given
    assert files(trail) == []


def test_they_can_be_left_out_and_the_too_large_ones_are(trail: Trail) -> None:
    call(text(PNG + bytes(17_000_000)))
    assert trail.span("call")["input"]["value"] == f"[image/png, {len(PNG) + 17_000_000} bytes]"
    with record_trail(capture_media=False) as bare:
        call(text(PNG))
    assert bare.span("call")["input"]["value"] == f"[image/png, {len(PNG)} bytes]"
    assert files(trail) == files(bare) == []


def test_streams_blocks_traces_and_edits_have_them_too(trail: Trail) -> None:
    @trailmark.track
    def stream() -> Iterator[Any]:
        yield {"image": PNG}

    list(stream())
    with trailmark.trace("block") as block:
        block.update(output=PNG)
        trailmark.update_current_trace(input=PNG)
    client = trailmark.Client()
    made = client.trace("made", input=PNG)
    client.update_span(made.id, output=PNG)
    client.update_trace(made.id, output=PNG)
    kept = {(file["trace_id"], file["span_id"], file["name"].partition("-")[0]) for file in files(trail)}
    ids = {span["name"]: (span["trace_id"], span["id"]) for span in trail.spans}
    assert kept == {
        (*ids["stream"], "output"), (*ids["block"], "output"), (ids["block"][0], None, "input"),
        (made.id, None, "input"), (None, made.id, "output"), (made.id, None, "output"),
    }  # fmt: skip


def test_a_trace_out_of_the_sample_keeps_none(home: Path) -> None:
    trailmark.configure(sample_rate=0.0)
    call(text(PNG))
    assert not spool.segments(home)
