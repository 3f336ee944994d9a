"""Attachments: stored once by content, listed where they belong, never able to act in the server's origin."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from typing import Any

import pytest

from .conftest import new_id, span

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100
P = "/api/v1/private/attachment"


def file(**fields: Any) -> dict[str, Any]:
    data = fields.pop("content", PNG)
    record = {
        "k": "file", "id": new_id(), "ver": 2, "project": "Default Project", "name": "chart.png", "ts_us": 5,
        "content_type": "image/png", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
        "data": base64.b64encode(data).decode(), "trace_id": None, "span_id": None,
    }  # fmt: skip
    return record | fields


def blobs(store: Any) -> int:
    with sqlite3.connect(store.path) as db:
        [count] = db.execute("SELECT count(*) FROM blobs").fetchone()
    db.close()
    return count


def test_an_attachment_is_listed_where_it_belongs_and_comes_back_whole(http, ingest):
    one = span()
    of_span = file(trace_id=one["trace_id"], span_id=one["id"])
    of_trace = file(trace_id=one["trace_id"], name="notes.txt", content_type="text/plain", content=b"Notes", ts_us=6)
    assert ingest(of_span, of_trace, one).json() == {"accepted": 3, "rejected": []}
    trace = http.get(f"/api/v1/traces/{one['trace_id']}").json()["trace"]
    assert [(item["name"], item["span_id"], item["size"]) for item in trace["attachments"]] == [
        ("chart.png", one["id"], len(PNG)),
        ("notes.txt", None, 5),
    ]
    shown = http.get(f"/api/v1/spans/{one['id']}").json()["attachments"]
    assert [item["id"] for item in shown] == [of_span["id"]]
    answer = http.get(f"/api/v1/files/{of_span['id']}")
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"


def test_the_same_content_is_stored_once_and_goes_with_its_last_trace(http, ingest, store):
    one, two = span(), span()
    ingest(one, two, *(file(trace_id=each["trace_id"], span_id=each["id"]) for each in (one, two, one)))
    assert blobs(store) == 1
    http.delete(f"/api/v1/traces/{one['trace_id']}")
    assert blobs(store) == 1
    http.delete(f"/api/v1/traces/{two['trace_id']}")
    assert blobs(store) == 0


def test_sent_again_an_attachment_changes_nothing(http, ingest):
    one = span()
    attached = file(trace_id=one["trace_id"], span_id=one["id"])
    ingest(one, attached)
    ingest(attached)
    assert len(http.get(f"/api/v1/spans/{one['id']}").json()["attachments"]) == 1


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/pdf", "text/javascript", "nonsense"])
def test_what_could_act_is_a_download_without_its_type(http, ingest, kind):
    one = span()
    hostile = file(trace_id=one["trace_id"], name='x".html', content_type=kind, content=b"<script>alert(1)</script>")
    ingest(one, hostile)
    answer = http.get(f"/api/v1/files/{hostile['id']}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''x%22.html"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"data": "no base64!"}, "data"),
        ({"size": 3}, "size"),
        ({"sha256": "0" * 64}, "sha256"),
        ({"trace_id": None}, "trace_id"),
        ({"name": ""}, "name"),
    ],
)
def test_a_wrong_attachment_is_named_and_its_neighbours_stay(http, ingest, wrong, field):
    one = span()
    answer = ingest(one, {**file(trace_id=one["trace_id"]), **wrong})
    assert answer.status_code == 207
    assert [rejection["field"] for rejection in answer.json()["rejected"]] == [field]
    assert http.get(f"/api/v1/traces/{one['trace_id']}").json()["trace"]["attachments"] == []


def test_there_is_no_attachment_that_was_never_sent(http):
    assert http.get(f"/api/v1/files/{new_id()}").status_code == 404
    assert http.get("/api/v1/files/nonsense").status_code == 404


def test_opik_uploads_lists_downloads_and_deletes(http, ingest):
    one = span()
    start = {"file_name": "a b.png", "num_of_file_parts": 1, "mime_type": "image/png", "project_name": "p",
             "entity_type": "span", "entity_id": one["id"],
             "path": base64.b64encode(f"{str(http.base_url).rstrip(chr(47))}/api".encode()).decode()}  # fmt: skip
    told = http.post(f"{P}/upload-start", json=start).json()
    assert told["upload_id"] == "BEMinIO"
    [target] = told["pre_sign_urls"]
    assert http.put(target, content=iter([PNG[:50], PNG[50:]])).status_code == 204
    ingest(one)  # the span may come later
    whose = {"entity_type": "span", "entity_id": one["id"], "path": start["path"], "project_id": "p"}
    [shown] = http.get(f"{P}/list", params=whose).json()["content"]
    assert (shown["file_name"], shown["file_size"], shown["mime_type"]) == ("a b.png", len(PNG), "image/png")
    assert http.get(shown["link"]).content == PNG
    got = http.get(f"{P}/download", params={**whose, "file_name": "a b.png", "mime_type": "image/png"})
    assert got.content == PNG
    trace = http.get(f"/api/v1/traces/{one['trace_id']}").json()["trace"]
    assert [item["name"] for item in trace["attachments"]] == ["a b.png"]
    gone = {"entity_type": "span", "entity_id": one["id"], "container_id": "p", "file_names": ["a b.png"]}
    assert http.post(f"{P}/delete", json=gone).status_code == 204
    assert http.get(f"{P}/list", params=whose).json()["content"] == []


@pytest.mark.parametrize("wrong", [{"entity_type": "thread"}, {"entity_id": "x"}, {"file_name": ""}])
def test_an_upload_of_nothing_is_refused(http, wrong):
    start = {"file_name": "a.png", "entity_type": "span", "entity_id": new_id(), "path": ""} | wrong
    answer = http.post(f"{P}/upload-start", json=start)
    assert answer.status_code == 400
    assert next(iter(wrong)) in answer.json()["detail"]
