"""The filter language, typed into the page, beside plain Python over the same records (case 8)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import eventually
from .made import SECOND, Made, Record, post

PROJECT = "queries"
N = 24
NOW = time.time_ns() // 1000
HOUR = 3600 * SECOND
MODELS = ("gpt-house", "claude-house-a", "claude-house-b")
TOOLS = ("web_search", "read_file")
TIERS = ("pro", "team", "free")


def facts(n: int) -> dict[str, Any]:
    """What trace `n` is made of: the one source of its records and of what a query must find."""
    return {
        "n": n, "name": f"job {n}", "is_failed": n % 6 == 5, "is_running": n == 22, "dur_s": 0.4 * n + 0.1,
        "user": f"user-{n % 4}", "thread": f"talk-{n // 8}" if n % 2 else None, "env": "prod" if n % 3 else "dev",
        "tags": [tag for tag, is_on in (("test", n % 5 == 0), ("Nightly", n % 7 == 0)) if is_on],
        "model": MODELS[n % 3], "provider": "anthropic" if n % 3 else "openai", "tin": 100 * n, "tout": 10 * n,
        "cost": None if n % 8 == 0 else round(n / 1000, 4), "tool": TOOLS[n % 2], "tool_s": 0.2 * n,
        "tier": TIERS[n % 3], "size": n if n % 4 else None, "version": f"1.{n % 2}",
        "score": round(n / N, 3) if n % 3 else None, "verdict": "good" if n % 2 else "bad",
        "start_us": NOW - n * HOUR, "text": "a refund, please" if n % 9 == 0 else "a question", "ttft_s": 0.01 * n,
        "is_late": n % 10 == 3,
    }  # fmt: skip


def made(of: dict[str, Any]) -> tuple[Made, list[Record]]:
    n = of["n"]
    failed = {"status": "error", "error": {"type": "TimeoutError", "message": "too slow", "traceback": ""}}
    trace = Made(
        of["name"], PROJECT, start_us=of["start_us"], seed=n, dur_us=None if of["is_running"] else int(of["dur_s"] * SECOND),
        user_id=of["user"], environment=of["env"], tags=of["tags"], **({"thread_id": of["thread"]} if of["thread"] else {}),
        metadata={"tier": of["tier"], "version": of["version"], **({"deep": {"size": of["size"]}} if of["size"] else {})},
        input={"q": of["text"]}, **(failed if of["is_failed"] else {}),
    )  # fmt: skip
    trace.span(
        "chat", "llm", of["start_us"], int(of["dur_s"] * SECOND), parent_id=trace.root, model=of["model"],
        provider=of["provider"], usage={"input": of["tin"], "output": of["tout"]}, total_cost=of["cost"],
        first_token_us=of["start_us"] + int(of["ttft_s"] * SECOND),
    )  # fmt: skip
    trace.span(of["tool"], "tool", of["start_us"], int(of["tool_s"] * SECOND), parent_id=trace.root)
    if of["is_late"]:
        trace.span("late", "retriever", of["start_us"], 9 * SECOND, parent_id=trace.root, output="found in the archive")
    given = {"k": "score", "ver": 1, "ts_us": NOW, "project": PROJECT, "trace_id": trace.id, "source": "sdk"}
    scores = [{**given, "name": "verdict", "label": of["verdict"], "value": None}]
    if of["score"] is not None:
        scores.append({**given, "name": "faithfulness", "value": of["score"]})
    return trace, trace.records + scores


Test = Callable[[dict[str, Any]], Any]
# What one types, and what it must find, said again in Python.
QUERIES: list[tuple[str, Test]] = [
    ("status:error", lambda t: t["is_failed"] and not t["is_running"]),
    ("status!=ok", lambda t: t["is_failed"] or t["is_running"]),
    ('name:"job 7"', lambda t: t["n"] == 7),
    ("name:job*1", lambda t: t["name"].endswith("1")),
    ("name~ob", lambda _: True),
    ('name~"b 1"', lambda t: t["name"].startswith("job 1")),
    ("kind:retriever", lambda t: t["is_late"]),
    ("model:claude*", lambda t: t["model"].startswith("claude")),
    ("model:(gpt-house,claude-house-b)", lambda t: t["model"] != "claude-house-a"),
    ("model!=gpt-house", lambda t: t["model"] != "gpt-house"),
    ("provider:openai", lambda t: t["provider"] == "openai"),
    ('name:"JOB 7"', lambda t: t["n"] == 7),
    ("user:user-2", lambda t: t["user"] == "user-2"),
    ("thread:*", lambda t: t["thread"]),
    ("session:talk-1", lambda t: t["thread"] == "talk-1"),
    ("tag:nightly", lambda t: "Nightly" in t["tags"]),
    ("status:(error,running)", lambda t: t["is_failed"] or t["is_running"]),
    ("-tag:test", lambda t: "test" not in t["tags"]),
    ("NOT tag:*", lambda t: not t["tags"]),
    ("env:dev", lambda t: t["env"] == "dev"),
    ("has:error", lambda t: t["is_failed"]),
    ("version:1.1", lambda t: t["version"] == "1.1"),
    ("metadata.tier:(pro,team)", lambda t: t["tier"] != "free"),
    ("metadata.deep.size>=20", lambda t: (t["size"] or 0) >= 20),
    ("duration>2s", lambda t: not t["is_running"] and t["dur_s"] > 2),
    ("duration:500ms..3s", lambda t: 0.5 <= t["dur_s"] <= 3),
    ("ttft>=0.15s", lambda t: t["ttft_s"] >= 0.15),
    ("tokens>1k", lambda t: t["tin"] + t["tout"] > 1000),
    ("tokens.in<=300 tokens.out<30", lambda t: t["tin"] <= 300 and t["tout"] < 30),
    ("cost>0.01", lambda t: (t["cost"] or 0) > 0.01),
    ("NOT cost:*", lambda t: t["cost"] is None),
    ("spans>3", lambda t: t["is_late"]),
    ("score.faithfulness<0.7", lambda t: t["score"] is not None and t["score"] < 0.7),
    ("score.verdict:good score.faithfulness:*", lambda t: t["verdict"] == "good" and t["score"] is not None),
    ("start>-5h", lambda t: t["n"] < 5),
    ("start<{noon}", lambda t: t["n"] > 12),
    ("any(kind:tool name:web_search duration>3s)", lambda t: t["tool"] == "web_search" and t["tool_s"] > 3),
    ("any(kind:tool duration>3s) model:gpt*", lambda t: t["tool_s"] > 3 and t["model"].startswith("gpt")),
    ("refund", lambda t: "refund" in t["text"]),
    ("error.type:timeouterror", lambda t: t["is_failed"]),
    ('"found in the archive"', lambda t: t["is_late"]),
    ("tag:test OR (user:user-1 status:error)", lambda t: "test" in t["tags"] or (t["user"] == "user-1" and t["is_failed"])),
    ("user:user-1 AND -(tag:test OR status:error)",
     lambda t: t["user"] == "user-1" and not ("test" in t["tags"] or t["is_failed"])),
]  # fmt: skip


@pytest.fixture(scope="module")
def all_of(server: str) -> list[dict[str, Any]]:
    known = [facts(n) for n in range(N)]
    post(server, [record for of in known for record in made(of)[1]])
    return known


def test_every_operator_finds_what_plain_python_finds(page: Page, all_of: list[dict[str, Any]]) -> None:
    page.goto(f"/p/{PROJECT}/traces?cols=name")
    field = page.get_by_role("combobox", name="Filter traces")
    wrong: dict[str, tuple[set[str], set[str]]] = {}
    before: set[str] = set()
    for query, holds in QUERIES:
        typed = query.replace("{noon}", datetime.fromtimestamp((NOW - 12.5 * HOUR) / 1e6, UTC).strftime("%FT%T"))
        wanted = {of["name"] for of in all_of if holds(of)}
        assert wanted not in (set(), before), f"{query} would pass without being run"
        before = wanted
        field.fill(typed)
        field.press("Enter")
        try:
            eventually(lambda wanted=wanted: shown(page) == wanted, within_s=3)
        except AssertionError:
            wrong[query] = (shown(page) - wanted, wanted - shown(page))
    assert not wrong, wrong
    assert len(QUERIES) >= 40


def shown(page: Page) -> set[str]:
    """Of the list as it stands; what an older query found counts for nothing."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('.list:not(.stale-list) .list-row .row-link')].map(e => e.textContent)"
    )
    return set(found)
