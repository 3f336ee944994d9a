"""The low-level client against a real server: what one process recorded, another finds, edits, scores and deletes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trailmark
from trailmark.errors import NotFoundError, QueryError
from trailmark.model import Attachment

from .conftest import eventually


@pytest.fixture(params=["local", "remote"])
def client(request: pytest.FixtureRequest, home: Path, server: str, tmp_path: Path) -> Iterator[trailmark.Client]:
    """In local mode it finds the server that runs on its home."""
    project = f"client {request.param} {request.node.originalname}"
    is_local = request.param == "local"
    opened = trailmark.Client(
        project_name=project, home=home if is_local else tmp_path / "client", url=None if is_local else server
    )
    yield opened
    opened.close()


def test_what_was_recorded_is_found_edited_scored_and_deleted(client: trailmark.Client) -> None:
    trace = client.trace("order", input={"q": 1}, tags=["shop"], thread_id="t-1", scores={"quality": 0.4})
    trace.span("call", type="llm", model="gpt-4o-mini", usage={"input": 9, "output": 2}, output="yes").end()
    trace.end(output={"a": 2})
    client.trace("other").end()
    client.flush(10)
    wanted = "score.quality<0.7 tag:shop model:gpt*"
    [found] = eventually(lambda: [trace for trace in client.search_traces(wanted) if trace.end_time is not None])
    assert (found.id, found.name, found.input, found.output) == (trace.id, "order", {"q": 1}, {"a": 2})
    assert (found.input_tokens, found.thread_id, found.status) == (9, "t-1", "ok")
    assert found.end_time is not None
    assert found.end_time >= found.start_time
    [span] = client.search_spans("kind:llm")
    assert (span.trace_id, span.output, span.usage) == (trace.id, "yes", {"input": 9, "output": 2})
    client.update_trace(trace.id, tags=["late"], metadata={"checked": True})
    client.update_span(span.id, output="no", name="renamed")
    client.score_trace(trace.id, "verdict", label="good", reason="cited")
    client.flush(10)
    edited = eventually(lambda: (t := client.get_trace(trace.id)) and "verdict" in t.scores and t)
    assert (edited.tags, edited.metadata) == (["shop", "late"], {"checked": True})
    assert edited.scores["verdict"]["reason"] == "cited"
    assert (client.get_span(span.id).name, client.get_span(span.id).output) == ("renamed", "no")
    client.delete_trace(trace.id)
    for look in (lambda: client.get_trace(trace.id), lambda: client.get_span(span.id)):
        with pytest.raises(NotFoundError):
            look()
    assert [left.name for left in client.search_traces()] == ["other"]


def test_attachments_come_back_whole(client: trailmark.Client, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("Notes")
    trace = client.trace("order", attachments=[notes])
    span = trace.span("chart", attachments=[Attachment(b"\x89PNG", "chart.png")])
    span.end()
    trace.end()
    client.flush(10)
    [stored] = eventually(lambda: [found for found in client.search_traces() if len(found.attachments) == 2])
    assert {(file.name, file.span_id, file.size) for file in stored.attachments} == {
        ("notes.txt", None, 5),
        ("chart.png", span.id, 4),
    }
    [file] = client.get_span(span.id).attachments
    assert (file.content_type, client.get_attachment(file.id)) == ("image/png", b"\x89PNG")
    with pytest.raises(NotFoundError):
        client.get_attachment(trace.id)


def test_long_results_come_whole_and_a_limit_cuts_them(client: trailmark.Client) -> None:
    for number in range(230):
        client.trace(f"t{number}").end()
    client.flush(20)
    eventually(lambda: len(client.search_traces()) == 230)
    assert len({found.id for found in client.search_traces("name:t*")}) == 230
    assert len(client.search_traces(limit=150)) == 150


def test_a_long_value_is_the_same_by_search_and_by_id(client: trailmark.Client) -> None:
    parts = ["y" * 100] * 5000
    client.trace("long", input="x" * 400_000).end(output=parts)
    client.flush(10)

    [found] = eventually(lambda: [trace for trace in client.search_traces() if trace.end_time is not None])
    same = client.get_trace(found.id)
    assert (same.input, same.output) == (found.input, found.output) == ("x" * 400_000, parts)


def test_a_bad_filter_says_where_and_what_is_expected(client: trailmark.Client) -> None:
    with pytest.raises(QueryError, match=r"has:video is not known, at 4; expected: error"):
        client.search_traces("has:video")
