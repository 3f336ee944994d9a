"""Every back end finds, sorts and pages as the plain store in memory does, whatever order things came in.

A second back end is one more line in `BACK_ENDS`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from trailmark_server.store import Store, open_store

from .memory import MemoryStore
from .reference import SORTS, Record, Reference

BACK_ENDS: dict[str, Callable[[Path], Store]] = {
    "sqlite": lambda folder: open_store(folder / "trailmark.db"),
    "memory": lambda folder: MemoryStore(folder / "trailmark.db"),  # type: ignore[dict-item]
}
PROJECTS = ("one", "other")
START = 1_800_000_000_000_000
NOW = 1_900_000_000_000_000  # versions of edits and scores
ORDERS = [f"{sign}{name}" for name in SORTS for sign in ("-", "")]
QUERIES = (
    "", "status:error", "-status:error", "status:(ok,running)", "status!=ok", "name:plan", "name:PLAN", "name:pl*", "name~AN",
    "name!=plan", "kind:llm", "kind:(tool,llm)", "-kind:llm", "model:gpt*", "model:*", "-model:*", "model!=gpt-4o",
    "provider:openai", "user:ada", "user:*", "user!=ada", "thread:t-1", "thread:T-1", "env:prod", "env!=prod", "tag:chat",
    "tag:CHAT", "tag:(chat,none)", "tag:*", "-tag:chat", "tag!=chat", "tag:c*", "tag~ha", "duration>2s", "duration<=1s",
    "duration:1s..3s", "-duration>0s", "tokens>10", "tokens:0..20", "cost>0.01", "cost:*", "-cost:*", "cost<1", "spans>1",
    "spans:1", "error>0", "error.type:ValueError", "error.type:*", "has:error", "has:feedback", "-has:feedback",
    "metadata.tier:pro", "metadata.tier:(pro,Free)", "metadata.tier!=pro", "metadata.tier:*", "metadata.n>2", "metadata.n:3",
    "metadata.n<3", "metadata.n:1..4", "metadata.deep.x:true", "metadata.list:b", "metadata.list~B", "metadata.tier>o",
    "score.quality<0.5", "score.quality:*", "-score.quality:*", "score.verdict:good", "score.quality:0.25..0.75",
    "score.quality!=0.5", "paris", "-paris", '"refund policy"', '"policy refund"', "pol*", "paris refund", "paris OR refund",
    "any(kind:llm status:error)", "any(kind:tool OR model:gpt*) tag:chat", "any(paris kind:llm)", "-(tag:chat paris)",
    "(tag:chat OR user:ada) -status:error", "tag:chat metadata.tier:pro cost>0", "start>=2027-01-15T08:00:01",
    "id:nonsense", "metadata.none:*", "ValueError",
)  # fmt: skip


@contextmanager
def opened(back_end: str) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        store = BACK_ENDS[back_end](Path(folder))
        yield store
        store.close()


def walked(store: Store, what: str, project: str, query: str, sort: str, limit: int) -> list[str]:
    """All ids, page by page."""
    found: list[str] = []
    cursor = None
    while True:
        with store.read() as reader:
            page = reader.trace_rows if what == "traces" else reader.span_rows
            answer = page(project, query=query, sort=sort, limit=limit, cursor=cursor)
        found += [row["id"] for row in answer["rows"]]
        cursor = answer["next"]
        if cursor is None:
            return found


def shown(store: Store, project: str) -> list[Record]:
    with store.read() as reader:
        rows = reader.trace_rows(project, limit=500)["rows"]
    return [{key: row[key] for key in row if key not in ("dur_us", "project", "fields", "change")} for row in rows]


def threads(store: Store, project: str) -> dict[str, tuple[int, int, int]]:
    with store.read() as reader:
        rows = reader.threads(project, limit=500)
    return {row["id"]: (row["traces"], row["tin"] + row["tout"], row["errors"]) for row in rows}


def id_of(kind: int, n: int) -> str:
    return f"01890000-0000-7000-8{kind:03x}-{n:012x}"


TEXTS = st.sampled_from(
    [None, "Paris?", "the refund policy", {"q": "policy", "n": [1, "refund"]}, "nothing", {"a": {"b": "paris"}}]
)
METADATA = st.fixed_dictionaries({}, optional={
    "tier": st.sampled_from(["pro", "Free", 3]), "n": st.integers(0, 5), "deep": st.fixed_dictionaries({"x": st.booleans()}),
    "list": st.lists(st.sampled_from(["a", "b"]), max_size=2),
})  # fmt: skip
TAGS = st.lists(st.sampled_from(["chat", "Cold", "beta"]), max_size=2, unique=True)
SCORES = st.lists(st.sampled_from([
    {"name": "quality", "value": 0.25}, {"name": "quality", "value": 0.5}, {"name": "quality", "value": 1},
    {"name": "verdict", "value": None, "label": "good"}, {"name": "verdict", "value": True, "label": "bad"},
]), max_size=2, unique_by=lambda score: score["name"])  # fmt: skip


@st.composite
def snapshots(draw: st.DrawFn, kind: str, n: int, trace: int, parent: str | None) -> list[Record]:
    """One to three versions of a span or trace."""
    start = START + draw(st.integers(0, 4)) * 500_000
    base: Record = {"k": kind, "id": id_of(kind == "span", n), "project": PROJECTS[trace % 4 == 3], "start_us": start}
    if kind == "span":
        base |= {
            "trace_id": id_of(0, trace),
            "parent_id": parent,
            "type": draw(st.sampled_from(["llm", "tool", "general"])),
        }
    found = []
    for ver in range(1, draw(st.integers(1, 3)) + 1):
        status = (
            "running" if ver == 1 and draw(st.booleans()) else draw(st.sampled_from(["ok", "ok", "error", "cancelled"]))
        )
        record = base | {
            "ver": ver, "status": status, "name": draw(st.sampled_from(["plan", "search web", "answer"])), "output": draw(TEXTS),
            "input": draw(TEXTS), "end_us": None if status == "running" else start + draw(st.integers(0, 8)) * 500_000,
            "metadata": draw(METADATA), "tags": draw(TAGS), "scores": draw(SCORES),
            "error": {"type": "ValueError", "message": "no refund", "traceback": None} if status == "error" else None,
        }  # fmt: skip
        own = {"thread_id": draw(st.sampled_from([None, "t-1", "t-2"])), "user_id": draw(st.sampled_from([None, "ada", "bob"])),
               "environment": draw(st.sampled_from([None, "prod"]))}  # fmt: skip
        if kind == "trace":
            record |= own
        else:
            record |= {"model": draw(st.sampled_from([None, "gpt-4o", "claude"])), "provider": draw(st.sampled_from([None, "openai"])),
                       "usage": draw(st.sampled_from([None, {"input": 3, "output": 9}, {"input": 20}])),
                       "cost": draw(st.sampled_from([0.5, 0.25, 1 / 64]))}  # fmt: skip
            if parent is None and draw(st.booleans()):
                record["trace"] = own | {"tags": draw(TAGS), "metadata": draw(METADATA), "scores": draw(SCORES)}
        record |= {"total_cost": record["cost"]} if kind == "span" else {}  # told: pricing leaves it alone
        found.append(record)
    return found


@st.composite
def worlds(draw: st.DrawFn) -> list[Record]:
    """What was ever sent of some traces: records, edits and scores."""
    found: list[Record] = []
    count = draw(st.integers(1, 6))
    for trace in range(count):
        if draw(st.booleans()):
            found += draw(snapshots("trace", trace, trace, None))
        parent = None
        for n in range(draw(st.integers(1, 3))):
            records = draw(snapshots("span", trace * 10 + n, trace, parent))
            parent = records[0]["id"]
            found += records
    for n in range(draw(st.integers(0, 4))):
        target = draw(st.sampled_from([record for record in found if record["k"] in ("span", "trace")]))
        of = {f"{target['k']}_id": target["id"], "project": target["project"], "id": id_of(7, n), "ver": NOW + n}
        if draw(st.booleans()):
            changes = draw(
                st.sampled_from(
                    [{"name": "edited"}, {"tags": ["chat"]}, {"metadata": {"tier": "pro"}}, {"output": "paris"}]
                )
            )
            found.append({"k": "patch", **of, "changes": changes})
        else:
            author = draw(st.sampled_from(["", "eve"]))
            found.append(
                {
                    "k": "score",
                    **of,
                    "name": "quality",
                    "value": draw(st.sampled_from([0.5, 1])),
                    "ts_us": NOW + n,
                    "author": author,
                }
            )
    return found


def in_batches(records: list[Record], sizes: list[int]) -> Iterator[list[Record]]:
    at = 0
    for size in [*sizes, len(records)]:
        if records[at : at + size]:
            yield records[at : at + size]
        at += size


def compare(store: Store, reference: Reference, questions: list[tuple[str, str, int]]) -> None:
    for project in PROJECTS:
        for found, expected in zip(shown(store, project), reference.shown(project), strict=True):
            assert found == expected
        assert threads(store, project) == reference.threads(project)
        for query, sort, limit in questions:
            found = walked(store, "traces", project, query, sort, limit)
            assert found == reference.traces(project, query, sort), (query, sort, limit)
            by_start = sort if sort.endswith("start") else "-start"
            assert walked(store, "spans", project, query, by_start, limit) == reference.spans(
                project, query, by_start
            ), (query, sort)


@pytest.mark.parametrize("back_end", BACK_ENDS)
@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_any_order_and_repetition_is_found_as_by_the_plain_store(back_end: str, data: st.DataObject) -> None:
    world = data.draw(worlds())
    order = data.draw(st.permutations(range(len(world))))
    again = data.draw(st.lists(st.integers(0, len(world) - 1), max_size=5))
    sizes = data.draw(st.lists(st.integers(1, 6), max_size=6))
    deleted = data.draw(st.lists(st.sampled_from([id_of(0, n) for n in range(7)]), max_size=1))
    asked = st.tuples(st.sampled_from(QUERIES), st.sampled_from(ORDERS), st.sampled_from([1, 2, 50]))
    questions = data.draw(st.lists(asked, min_size=6, max_size=6))
    reference = Reference()
    reference.put(world)
    for id in deleted:
        reference.delete_trace(id)

    with opened(back_end) as store:
        for n, batch in enumerate(in_batches([world[i] for i in [*order, *again]], sizes)):
            store.put(batch)
            if n == 0:
                for id in deleted:
                    store.write(lambda writer, gone=id: writer.delete_trace(gone))
            if n % 2:
                store.index_text()
        compare(store, reference, questions)


def everything() -> list[Record]:
    """A fixed world in which every query finds something and leaves something out."""
    found: list[Record] = []
    for n in range(24):
        span: dict[str, Any] = {
            "k": "span", "id": id_of(1, n), "ver": 2, "trace_id": id_of(0, n), "parent_id": None, "project": PROJECTS[n % 5 == 4],
            "name": ("plan", "search web", "answer")[n % 3], "type": ("llm", "tool", "general")[n % 3], "start_us": START + n // 2 * 500_000,
            "status": ("ok", "error", "ok", "running")[n % 4], "input": ("Paris?", {"q": "the refund policy"}, "policy refund")[n % 3],
            "model": (None, "gpt-4o", "claude")[n % 3], "provider": (None, "openai")[n % 2], "cost": (None, 0.25, 1 / 64)[n % 3],
            "usage": (None, {"input": 3, "output": 9}, {"input": 20})[n % 3], "metadata": {"tier": ("pro", "Free", 3)[n % 3], "n": n % 6},
            "tags": (["chat"], [], ["Cold"])[n % 3], "scores": [{"name": "quality", "value": n % 5 / 4}] if n % 3 else [],
            "trace": {"tags": (["chat", "beta"], [], ["Cold"], ["CHAT"])[n % 4], "user_id": (None, "ada", "bob")[n % 3],
                      "thread_id": (None, "t-1", "t-2")[n % 3], "environment": (None, "prod")[n % 2],
                      "metadata": {"deep": {"x": n % 2 == 0}, "list": ["a", "b"][: n % 3]},
                      "scores": [{"name": "quality", "value": n % 5 / 4}, {"name": "verdict", "label": "good"}] if n % 2 else []},
        }  # fmt: skip
        span["end_us"] = None if span["status"] == "running" else span["start_us"] + n % 9 * 500_000
        if span["status"] == "error":
            span["error"] = {"type": ("ValueError", "KeyError")[n % 8 == 1], "message": "no", "traceback": None}
        found.append(span)
        if n % 2:
            found.append(
                {**span, "id": id_of(2, n), "parent_id": span["id"], "type": "llm", "name": "child", "trace": None} | {}
            )
            del found[-1]["trace"]
    return found


@pytest.mark.parametrize(("back_end", "indexed"), [("sqlite", False), ("sqlite", True), ("memory", False)])
def test_every_filter_and_sort_and_page_answers_alike(back_end: str, indexed: bool) -> None:
    reference = Reference()
    reference.put(everything())
    with opened(back_end) as store:
        store.put(everything())
        while indexed and store.index_text():
            pass
        orders = ORDERS if indexed else ORDERS[:2]
        questions = [(query, sort, 7) for query in QUERIES for sort in orders] + [
            (query, "-start", 500) for query in QUERIES
        ]
        compare(store, reference, questions)


@pytest.mark.parametrize("back_end", BACK_ENDS)
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned"])
def test_a_trace_is_in_the_project_of_its_newest_root_whatever_came_first(back_end: str, turned: bool) -> None:
    """The highest version wins whole, its project too: any other rule would depend on the order of arrival."""
    root = everything()[0]
    moved = {**root, "ver": 3, "project": "moved", "name": "moved"}
    child = {**root, "id": id_of(3, 0), "parent_id": root["id"], "name": "child"}
    del child["trace"]
    with opened(back_end) as store:
        for record in [moved, child, root] if turned else [root, child, moved]:
            store.put([record])
        with store.read() as reader:
            rows = {project: reader.trace_rows(project)["rows"] for project in (root["project"], "moved")}
            spans = {name: [row["name"] for row in reader.span_rows(name)["rows"]] for name in rows}
            change = reader.changes(root["project"], since=0, query="", limit=10)
    assert [row["name"] for row in rows["moved"]] == ["moved"]
    assert rows[root["project"]] == []
    assert rows["moved"][0]["spans"] == 2
    assert spans == {root["project"]: ["child"], "moved": ["moved"]}  # a span stays in the project that it names
    assert change["upserts"] == []
    assert change["deleted"] == ([] if turned else [root["trace_id"]])
