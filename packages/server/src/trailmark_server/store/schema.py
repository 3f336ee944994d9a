"""Tables and their migrations. A migration is never changed once released; a newer database is not opened."""

from __future__ import annotations

import sqlite3
from typing import Final

from trailmark_server.store.errors import StoreError

__all__ = ["VERSION", "migrate"]

_V1: Final = """
CREATE TABLE projects(id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, created_us INTEGER NOT NULL) STRICT;

CREATE TABLE spans(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused: joins payloads
  project_id INTEGER NOT NULL, trace_id BLOB NOT NULL, span_id BLOB NOT NULL, parent_id BLOB,
  name TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL,
  start_us INTEGER NOT NULL, end_us INTEGER, first_token_us INTEGER,
  model TEXT, provider TEXT, usage TEXT, tin INTEGER, tout INTEGER, cost REAL,
  error_type TEXT, tags TEXT, input_preview TEXT, output_preview TEXT, ver INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX spans_key ON spans(trace_id, span_id);
CREATE INDEX spans_id ON spans(span_id);

-- what belongs to a trace as a whole: from its own record, or from the root span's
CREATE TABLE roots(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  trace_id BLOB UNIQUE NOT NULL, project_id INTEGER NOT NULL, span_id BLOB,
  name TEXT, status TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER,
  thread_id TEXT, user_id TEXT, environment TEXT, tags TEXT, input_preview TEXT, output_preview TEXT,
  ver INTEGER NOT NULL) STRICT;

CREATE TABLE payloads(  -- zstd of the fields that lists never show
  kind INTEGER NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(kind, seq)) STRICT, WITHOUT ROWID;

CREATE TABLE traces(  -- the list: recomputed for every trace that was touched
  trace_id BLOB PRIMARY KEY, project_id INTEGER NOT NULL, change INTEGER NOT NULL,
  name TEXT, status TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER,
  thread_id TEXT, user_id TEXT, span_count INTEGER NOT NULL, error_count INTEGER NOT NULL,
  tin INTEGER NOT NULL, tout INTEGER NOT NULL, cost REAL,
  models TEXT NOT NULL, tags TEXT NOT NULL, scores TEXT NOT NULL,
  input_preview TEXT, output_preview TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX traces_time ON traces(project_id, start_us DESC, trace_id DESC);
CREATE INDEX traces_change ON traces(project_id, change);

CREATE TABLE scores(
  kind TEXT NOT NULL, target BLOB NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, author TEXT NOT NULL,
  project_id INTEGER NOT NULL, value REAL, is_bool INTEGER NOT NULL, label TEXT, reason TEXT,
  ts_us INTEGER NOT NULL, ver INTEGER NOT NULL, PRIMARY KEY(kind, target, name, source, author)) STRICT, WITHOUT ROWID;

CREATE TABLE running(  -- whose open spans are whose, for when the owner dies
  owner TEXT NOT NULL, trace_id BLOB NOT NULL, span_id BLOB NOT NULL,
  PRIMARY KEY(owner, trace_id, span_id)) STRICT, WITHOUT ROWID;

CREATE TABLE patches(  -- updates that came before what they update
  kind TEXT NOT NULL, id BLOB NOT NULL, n INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY(kind, id, n)) STRICT, WITHOUT ROWID;
"""

_V2: Final = """
CREATE INDEX spans_time ON spans(project_id, start_us DESC, span_id DESC);

CREATE TABLE deleted(  -- so that nothing of a deleted trace comes back when its records are sent again
  trace_id BLOB PRIMARY KEY, ts_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""

_V3: Final = """
CREATE TABLE blobs(sha BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT;  -- a content once, however often it is attached

CREATE TABLE files(  -- attachments; trace_id is NULL while only the span is known
  file_id BLOB PRIMARY KEY, project_id INTEGER NOT NULL, trace_id BLOB, span_id BLOB,
  name TEXT NOT NULL, content_type TEXT NOT NULL, size INTEGER NOT NULL, sha BLOB NOT NULL,
  ts_us INTEGER NOT NULL, ver INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX files_trace ON files(trace_id);
CREATE INDEX files_span ON files(span_id);
CREATE INDEX files_sha ON files(sha);
"""

_FACTS: Final = """
CREATE TABLE trace_facts(  -- what spans from elsewhere know of their trace, for roots that do not say it
  trace_id BLOB PRIMARY KEY, thread_id TEXT, user_id TEXT, tags TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

_MIGRATIONS: Final = (_V1, _V2, _V3, _FACTS)
VERSION: Final = len(_MIGRATIONS)


def migrate(db: sqlite3.Connection) -> None:
    """Bring a database to this version; StoreError when it is of a later one."""
    [found] = db.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise StoreError(f"the database is of schema {found}, this trailmark-server knows up to {VERSION}; upgrade it")
    for number, script in list(enumerate(_MIGRATIONS, 1))[found:]:
        db.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version={number};\nCOMMIT;")
