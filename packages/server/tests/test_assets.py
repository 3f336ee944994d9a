"""The built page's files: packed by the build, answered from memory, seen anew after another build."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from trailmark_server.api.pages import router
from trailmark_server.store import open_store


@pytest.fixture
def built(tmp_path: Path) -> Path:
    ui = tmp_path / "ui"
    (ui / "assets").mkdir(parents=True)
    (ui / "index.html").write_text("<!doctype html><html><head></head></html>")
    (ui / "assets/page.js").write_text("run()")
    (ui / "assets/page.js.gz").write_bytes(gzip.compress(b"run()"))
    (ui / "assets/font.woff2").write_bytes(b"wOF2")
    return ui


@pytest.fixture
def client(built: Path, tmp_path: Path) -> Iterator[TestClient]:
    store, app = open_store(tmp_path / "s.db"), FastAPI()
    app.include_router(router(store, built))
    with TestClient(app) as made:
        yield made
    store.close()


def test_who_reads_gzip_gets_what_the_build_packed(client: TestClient, built: Path) -> None:
    with client.stream("GET", "/assets/page.js") as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert b"".join(answer.iter_raw()) == (built / "assets/page.js.gz").read_bytes()


def test_who_does_not_gets_the_text(client: TestClient) -> None:
    answer = client.get("/assets/page.js", headers={"Accept-Encoding": "identity"})

    assert (answer.text, answer.headers.get("content-encoding")) == ("run()", None)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "Accept-Encoding"


def test_what_is_packed_in_itself_comes_as_it_is(client: TestClient) -> None:
    answer = client.get("/assets/font.woff2")

    assert (answer.content, answer.headers["content-type"]) == (b"wOF2", "font/woff2")
    assert "immutable" in answer.headers["cache-control"]


def test_another_build_is_seen(client: TestClient, built: Path) -> None:
    plain = {"Accept-Encoding": "identity"}
    client.get("/assets/page.js", headers=plain)
    (built / "assets/page.js").write_text("run2()")
    os.utime(built / "assets/page.js", ns=(1, 1))

    assert client.get("/assets/page.js", headers=plain).text == "run2()"


def test_the_page_says_that_it_is_there(client: TestClient) -> None:
    answer = client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")
