"""Images and audio in payloads: kept once, shown as references, given back as they came."""

from __future__ import annotations

import base64
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trailmark_server.store import Store, media

from .conftest import span

BYTES = bytes(range(256)) * 8
TEXT = base64.b64encode(BYTES).decode()
PARTS: dict[str, Any] = {
    "a data URL": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{TEXT}"}},
    "Anthropic's image": {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": TEXT}},
    "Google's part": {"inline_data": {"mime_type": "image/webp", "data": TEXT}},
    "OpenAI's audio": {"type": "input_audio", "input_audio": {"data": TEXT, "format": "wav"}},
    "an audio answer": {"audio": {"id": "audio_1", "data": TEXT, "transcript": "hi"}},
}


def blobs(store: Store) -> int:
    with sqlite3.connect(store.path) as db:
        [count] = db.execute("SELECT count(*) FROM blobs").fetchone()
    db.close()
    return int(count)


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_media_become_references_and_come_back_whole(store: Store, part: Any) -> None:
    record = span(input={"messages": [{"role": "user", "content": [part, {"type": "text", "text": "What is it?"}]}]})
    store.put([record])
    with store.read() as reader:
        light = reader.span(record["trace_id"], record["id"], whole=False)["input"]
        assert TEXT not in str(light)
        assert media.REFERENCE.search(str(light))
        assert reader.blob(media.REFERENCE.search(str(light))[1]) == BYTES  # type: ignore[index]
        assert reader.span(record["trace_id"], record["id"])["input"] == record["input"]


def test_the_same_content_is_kept_once_and_goes_with_its_last_span(store: Store) -> None:
    one, two = (span(input=PARTS["a data URL"]) for _ in range(2))
    store.put([one, two])
    assert blobs(store) == 1
    store.write(lambda writer: writer.delete_trace(one["trace_id"]))
    assert blobs(store) == 1
    store.put([{**two, "ver": 3, "input": "without"}])
    assert blobs(store) == 0


@pytest.mark.parametrize(
    "value",
    [f"data:image/png;base64,{TEXT[:100]}", f"data:image/png;base64,{TEXT}!", {"data": TEXT}, f"data:text/plain,{TEXT}",
     {"format": "x", "data": TEXT[:-1]}, f"trailmark-media:{'0' * 64}:2048:url:image/png"],
)  # fmt: skip
def test_what_is_short_or_not_exactly_base64_stays_as_it_is(store: Store, value: Any) -> None:
    record = span(input=value)
    store.put([record])
    assert blobs(store) == 0
    with store.read() as reader:
        assert reader.span(record["trace_id"], record["id"])["input"] == value


@given(st.recursive(st.none() | st.text() | st.binary(min_size=900).map(lambda b: f"data:a/b;base64,{base64.b64encode(b).decode()}"),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["data", "format", "id", "x"]), inner)))  # fmt: skip
def test_taking_out_and_putting_back_changes_nothing(value: Any) -> None:
    found: dict[bytes, bytes] = {}

    assert media.put_back(media.taken_out(value, found), found.get) == value
