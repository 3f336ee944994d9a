"""docs/sqlite.md: its queries run, its columns are there."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from trailmark_server.seed import seed
from trailmark_server.store import Store

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "sqlite.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
TABLES = re.findall(r"^\| (`.*?) \| .*? \| (.*) \|$", PAGE, re.MULTILINE)


@pytest.fixture
def db(store: Store):
    seed(store, 2000, until_us=1_800_000_000_000_000)
    found = sqlite3.connect(f"file:{store.path}?mode=ro", uri=True)
    yield found
    found.close()


def test_every_query_of_the_page_answers(db: sqlite3.Connection) -> None:
    assert len(QUERIES) == 3
    for query in QUERIES:
        assert len(db.execute(query).fetchall()) > 1, query


def test_every_column_of_the_page_is_there(db: sqlite3.Connection) -> None:
    assert len(TABLES) == 7
    for tables, columns in TABLES:
        for table in re.findall(r"`(\w+)`", tables):
            there = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
            said = set(re.findall(r"`(\w+)`", columns))
            assert said <= there | (
                {"key", "value"} if table == "trace_tags" else {"tag"} if table == "trace_meta" else set()
            )
