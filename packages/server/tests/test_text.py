"""Text search: words and phrases, in what waits for the index and in what it holds."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trailmark_server.store import Store, open_store
from trailmark_server.store.codec import pack
from trailmark_server.store.text import said, tokens

from .conftest import new_id, span

PROJECT = "Default Project"


def found(store: Store, query: str) -> set[str]:
    with store.read() as reader:
        return {row["name"] for row in reader.trace_rows(PROJECT, query=query)["rows"]}


def indexed(store: Store) -> None:
    while store.index_text():
        pass
    assert store.health().unindexed == 0


@pytest.mark.parametrize("is_indexed", [False, True])
@pytest.mark.parametrize(
    ("query", "names"),
    [("brulee", "one"), ("BRÛLÉE", "one"), ('"crème brûlée"', "one"), ('"brûlée crème"', ""), ("東京", "two"), ("京東", ""),
     ("dess*", "one"), ("dess", ""), ("42", "two"), ("role", ""), ("ValueError", "two"), ("boom", "two"), ("web_search", "two")],
)  # fmt: skip
def test_words_are_found_without_case_and_accents(store: Store, query: str, names: str, is_indexed: bool) -> None:
    store.put([
        span(name="one", input={"role": "user", "content": "Crème brûlée, the dessert"}),
        span(name="two", input="web_search: 東京タワー", output={"n": 42}, status="error",
             error={"type": "ValueError", "message": "boom", "traceback": None}),
    ])  # fmt: skip
    if is_indexed:
        indexed(store)
    assert found(store, query) == set(names.split())


def test_what_changed_is_found_by_its_new_words_only(store: Store) -> None:
    record = span(name="it", output="alpha")
    store.put([record])
    indexed(store)
    store.put([{**record, "ver": 3, "output": "beta"}])
    for _ in range(2):
        assert (found(store, "alpha"), found(store, "beta")) == (set(), {"it"})
        indexed(store)
    store.write(lambda writer: writer.delete_trace(record["trace_id"]))
    indexed(store)
    with sqlite3.connect(store.path) as db:
        assert db.execute("SELECT count(*) FROM words WHERE words MATCH 'beta OR alpha'").fetchone() == (0,)
    db.close()


def test_a_running_span_waits_for_its_end(store: Store) -> None:
    now = time.time_ns() // 1000
    record = span(name="it", status="running", ver=1, end_us=None, start_us=now, input="hello")
    store.put([record])
    assert store.index_text() == 0
    assert found(store, "hello") == {"it"}
    store.put([{**record, "status": "ok", "ver": 2, "end_us": now + 1, "output": "world"}])
    indexed(store)
    assert found(store, "hello world") == {"it"}


def test_a_damaged_index_is_made_anew(store: Store) -> None:
    record = span(name="it", input="hello")
    store.put([record])
    indexed(store)
    store.write(lambda writer: writer._db.execute("INSERT INTO words(words) VALUES('delete-all')"))
    store.put([{**record, "ver": 3, "input": "bye"}, span(id=new_id(), name="other", input="bye")])
    indexed(store)
    assert found(store, "bye") == {"it", "other"}


def test_the_index_is_filled_in_the_background_and_stops_with_the_store(tmp_path: Path) -> None:
    store = open_store(tmp_path / "trailmark.db", indexing=True)
    store.put([span(name=f"n{n}", input=f"word{n}") for n in range(300)])
    deadline = time.monotonic() + 20
    while store.health().unindexed:
        assert time.monotonic() < deadline, "the index was not filled within 20 s"
        time.sleep(0.02)
    assert found(store, "word7") == {"n7"}
    store.close()


WORDS = [
    "refund",
    "Account",
    "réfund",
    "ﬁne",
    "refund²",
    "K",
    "ﾠ",
    "🙂",
    "’",
    "—",
    "\n",
    '"',
    "\\n",
    "_",
    "-",
    "n",
    "\x00",
    "1e-7",
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=8), st.sampled_from(["", " ", "\n", "\t", "’"]))
def test_a_phrase_is_found_wherever_its_words_stand_side_by_side(parts: list[str], between: str) -> None:
    text = between.join(parts)
    body = pack({"input": {"text": [text, 1e-7]}, "output": None, "metadata": {"x": "refund account"}})
    for phrase in ("refund account", "account refund", "n refund", "refund k", "acc"):
        expected = f" {phrase} " in f" {' '.join(tokens(text))} "
        assert said(None, body, f" {phrase} ") == expected


def test_parts_of_the_index_are_joined_when_nothing_waits(tmp_path: Path) -> None:
    path = tmp_path / "trailmark.db"
    store = open_store(path)
    for n in range(6):
        store.put([span(name=f"n{n}", output="alpha beta")])
        indexed(store)
    assert parts(path) == 6
    store.close()
    store = open_store(path, indexing=True)
    deadline = time.monotonic() + 30
    while parts(path) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert parts(path) == 1
    assert found(store, "beta") == {f"n{n}" for n in range(6)}
    store.close()


def parts(path: Path) -> int:
    db = sqlite3.connect(path)
    [count] = db.execute("SELECT count(DISTINCT segid) FROM words_idx").fetchone()
    db.close()
    return int(count)
