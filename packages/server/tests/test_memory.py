"""The server on another back end than SQLite: what the page asks for is answered alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import orjson
import pytest
from trailmark_server.api import create_app
from trailmark_server.store import open_store

from .conftest import START, answering
from .memory import MemoryStore
from .test_conformance import everything, id_of

P = "/api/v1/projects/one"
TIMES = {"from": str(START), "to": str(START + 60_000_000)}
ASKED: tuple[tuple[str, dict[str, str]], ...] = (
    ("/api/v1/projects", {}),
    (f"{P}/traces", {"fields": "metadata.tier,env,ttft"}),
    (f"{P}/traces", {"q": "tag:chat OR score.quality>0.5", "sort": "-cost", "limit": "500"}),
    (f"{P}/traces", {"q": "any(kind:llm status:error) -user:ada", "sort": "duration"}),
    (f"{P}/traces/count", {"q": "paris"}),
    (f"{P}/traces/delta", {"since": "0", "q": "status:ok", "limit": "500"}),
    (f"{P}/spans", {"q": "kind:llm", "sort": "start", "fields": "metadata.n"}),
    (f"{P}/spans/count", {"q": "model:gpt-4o"}),
    (f"{P}/histogram", {"buckets": "7"}),
    (f"{P}/histogram", {"of": "spans", "q": "status:error", **TIMES}),
    (f"{P}/metrics", {"m": "count,errors,tokens,cost,latency", "by": "status", "buckets": "3", **TIMES}),
    (f"{P}/metrics", {"m": "count,cost,latency", "by": "model", "buckets": "2", **TIMES}),
    *((f"{P}/top", {"what": what}) for what in ("names", "users", "models", "errors", "tools")),
    (f"{P}/threads", {}),
    (f"{P}/threads", {"q": "status:error"}),
    ("/api/v1/threads/t-1", {"project": "one"}),
    (f"/api/v1/traces/{id_of(0, 1)}", {}),
    (f"/api/v1/traces/{id_of(0, 1)}", {"compact": "true"}),
    (f"/api/v1/traces/{id_of(0, 0)}/search", {"q": "paris"}),
    (f"/api/v1/traces/{id_of(0, 1)}/spans/{id_of(1, 1)}", {}),
    (f"/api/v1/spans/{id_of(1, 2)}", {}),
    ("/api/v1/compare", {"a": id_of(0, 1), "b": id_of(0, 7)}),
    ("/api/v1/scores", {"trace_id": id_of(0, 1)}),
    ("/api/v1/scores", {"project": "one"}),
    (f"{P}/values", {"field": "name"}),
    (f"{P}/score-defs", {}),
    (f"{P}/retention", {"days": "30"}),
    ("/api/v1/views", {}), ("/api/v1/settings", {}), ("/api/v1/prices", {}), ("/api/v1/jobs", {}),
    ("/api/v1/search/traces", {"project": "one", "q": "user:bob"}),
    ("/api/v1/search/spans", {"project": "one", "q": "user:bob"}),
)  # fmt: skip
TIED = ("/delta", "/scores", "/values", "/metrics")  # what has the same time or number is in any order


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[httpx2.Client]]:
    folder = tmp_path_factory.mktemp("both")
    sqlite, memory = open_store(folder / "a" / "trailmark.db"), MemoryStore(folder / "b" / "trailmark.db")
    body = b"\n".join(map(orjson.dumps, everything()))
    with answering(create_app(sqlite, folder / "a")) as one, answering(create_app(memory, folder / "b")) as other:
        for http in (one, other):
            assert http.post("/api/v1/ingest", content=body).json()["rejected"] == []
            sat = {"trace_id": id_of(0, 1), "name": "quality", "value": 0.75, "author": "ada", "source": "human"}
            assert http.post("/api/v1/scores", json=sat).status_code == 201
            tagged = {"q": "name:plan", "action": "tag", "tag": "many", "expected": 7}
            assert http.post(f"{P}/bulk", json=tagged).json() == {"done": 7}
        yield [one, other]
    sqlite.close()


def plain(value: Any) -> Any:
    """Without what is a back end's own, or of the moment."""
    if isinstance(value, dict):
        left_out = {"next", "created_us", "seq", "ts_us", *(["id"] if "author" in value else [])}
        return {key: plain(one) for key, one in value.items() if key not in left_out}
    return [plain(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("path", "params"), ASKED, ids=lambda one: one if isinstance(one, str) else "&".join(one))
def test_the_page_is_answered_alike(both: list[httpx2.Client], path: str, params: dict[str, str]) -> None:
    answers = [http.get(path, params=params) for http in both]
    assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
    found, expected = (plain(answer.json()) for answer in answers)
    if path.endswith(TIED):
        found, expected = turned(found), turned(expected)
    assert found == expected


def turned(value: Any) -> Any:
    """Its lists in one order."""
    if isinstance(value, dict):
        return {key: turned(one) for key, one in value.items()}
    return (
        sorted(map(turned, value), key=lambda one: orjson.dumps(one, option=orjson.OPT_SORT_KEYS))
        if isinstance(value, list)
        else value
    )
