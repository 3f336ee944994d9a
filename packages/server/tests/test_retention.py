"""What is older than the settings say goes, in every workspace, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from trailmark_server.retention import Keeper, keep
from trailmark_server.store import Store, open_store
from trailmark_server.workspaces import Workspaces

from .conftest import START, span

Ingest = Callable[..., httpx2.Response]


def test_what_is_older_than_the_settings_say_is_deleted(http: httpx2.Client, ingest: Ingest, store: Store) -> None:
    day = 86_400_000_000
    for project in ("short", "long"):
        ingest(
            *(
                span(project=project, name=f"d{n}", start_us=START - n * day - 9, end_us=START - n * day)
                for n in range(4)
            )
        )
    assert keep(store, START) == 0
    http.put("/api/v1/settings", json={"retention_days": 2, "retention_days_of": {"long": None}})
    assert keep(store, START) == 2
    counts = {project["name"]: project["traces"] for project in http.get("/api/v1/projects").json()}
    assert counts == {"short": 2, "long": 4}


def test_a_workspace_nobody_asked_for_keeps_its_promise_too(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "workspaces"
    folder.mkdir()
    red = open_store(folder / "red.db")
    red.put([span(name="old")])
    red.write(lambda writer: writer.put_document("settings", "", {"retention_days": 1}))
    red.close()
    (folder / "broken.db").write_bytes(b"no database at all" * 1000)
    workspaces = Workspaces(store, folder)

    with caplog.at_level(logging.WARNING, "trailmark.server"):
        opened = [(one.path.name, keep(one, START + 2 * 86_400_000_000)) for one in workspaces.every()]
    workspaces.close()

    assert opened == [("trailmark.db", 0), ("red.db", 1)]
    assert "workspace broken cannot be opened" in caplog.text


def test_the_keeper_looks_at_the_start(store: Store) -> None:
    store.put([span(name="old", start_us=1, end_us=2)])
    store.write(lambda writer: writer.put_document("settings", "", {"retention_days": 1}))
    keeper = Keeper(lambda: [store])
    keeper.start()
    keeper.stop()  # after the round it is in

    with store.read() as reader:
        assert [project["traces"] for project in reader.projects()] == [0]
