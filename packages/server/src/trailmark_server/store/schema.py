"""Tables and their migrations. A migration is never changed once released; a newer database is not opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from trailmark_server.store.backup import alone, keep_before
from trailmark_server.store.errors import StoreError

__all__ = ["VERSION", "connect", "prepare"]

_V1: Final = """
CREATE TABLE projects(id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, created_us INTEGER NOT NULL) STRICT;

CREATE TABLE spans(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused: joins payloads and the text index
  project_id INTEGER NOT NULL, trace_id BLOB NOT NULL, span_id BLOB NOT NULL, parent_id BLOB,
  name TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL,
  start_us INTEGER NOT NULL, end_us INTEGER, first_token_us INTEGER,
  model TEXT, provider TEXT, usage TEXT, tin INTEGER, tout INTEGER, cost REAL,
  error_type TEXT, tags TEXT, input_preview TEXT, output_preview TEXT, ver INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX spans_key ON spans(trace_id, span_id);
CREATE INDEX spans_id ON spans(span_id);
CREATE INDEX spans_time ON spans(project_id, start_us, span_id);
CREATE INDEX spans_error ON spans(project_id, error_type COLLATE NOCASE, trace_id) WHERE error_type IS NOT NULL;
CREATE INDEX spans_llm ON spans(project_id, start_us, model, end_us, tin, tout, cost, status, first_token_us, provider)
  WHERE type='llm';  -- covering, for series over time

-- what belongs to a trace as a whole: from its own record, or from the root span's
CREATE TABLE roots(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  trace_id BLOB UNIQUE NOT NULL, project_id INTEGER NOT NULL, span_id BLOB,
  name TEXT, status TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER,
  thread_id TEXT, user_id TEXT, environment TEXT, tags TEXT, input_preview TEXT, output_preview TEXT,
  ver INTEGER NOT NULL) STRICT;

CREATE TABLE trace_facts(  -- what spans from elsewhere know of their trace, for roots that do not say it
  trace_id BLOB PRIMARY KEY, thread_id TEXT, user_id TEXT, tags TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE prices(  -- the user's own: USD for a million tokens of each part, as JSON; `model` may have *
  model TEXT NOT NULL, provider TEXT NOT NULL, parts TEXT NOT NULL, updated_us INTEGER NOT NULL,
  PRIMARY KEY(model, provider)) STRICT, WITHOUT ROWID;

CREATE TABLE payloads(  -- zstd of the fields that lists never show; kind 0 spans, 1 roots
  kind INTEGER NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(kind, seq)) STRICT, WITHOUT ROWID;

CREATE TABLE traces(  -- the list: recomputed for every trace that was touched
  trace_id BLOB PRIMARY KEY, project_id INTEGER NOT NULL, change INTEGER NOT NULL,
  name TEXT, status TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER,
  thread_id TEXT, user_id TEXT, span_count INTEGER NOT NULL, error_count INTEGER NOT NULL,
  tin INTEGER NOT NULL, tout INTEGER NOT NULL, cost REAL,
  models TEXT NOT NULL, tags TEXT NOT NULL, scores TEXT NOT NULL,
  input_preview TEXT, output_preview TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX traces_time ON traces(project_id, start_us, trace_id, status, error_count);
CREATE INDEX traces_change ON traces(project_id, change);
CREATE INDEX traces_duration ON traces(project_id, coalesce(end_us - start_us, -1), trace_id);
CREATE INDEX traces_cost ON traces(project_id, coalesce(cost, -1), trace_id);
CREATE INDEX traces_tokens ON traces(project_id, tin + tout, trace_id);
CREATE INDEX traces_name ON traces(project_id, name COLLATE NOCASE, start_us, trace_id);
CREATE INDEX traces_user ON traces(project_id, user_id COLLATE NOCASE, start_us, trace_id) WHERE user_id IS NOT NULL;
CREATE INDEX traces_thread ON traces(
  project_id, thread_id, start_us, trace_id, end_us, tin, tout, cost, error_count, status, user_id)
  WHERE thread_id IS NOT NULL;  -- covering, for the sums of a thread

-- a trace's tags; the scalars of its metadata and its root span's, by dotted path
CREATE TABLE trace_tags(
  project_id INTEGER NOT NULL, tag TEXT NOT NULL COLLATE NOCASE, start_us INTEGER NOT NULL, trace_id BLOB NOT NULL,
  PRIMARY KEY(project_id, tag, start_us, trace_id)) STRICT, WITHOUT ROWID;
CREATE TABLE trace_meta(
  project_id INTEGER NOT NULL, key TEXT NOT NULL, value ANY NOT NULL COLLATE NOCASE, start_us INTEGER NOT NULL,
  trace_id BLOB NOT NULL, PRIMARY KEY(project_id, key, value, start_us, trace_id)) STRICT, WITHOUT ROWID;
CREATE INDEX trace_tags_trace ON trace_tags(trace_id);
CREATE INDEX trace_meta_trace ON trace_meta(trace_id, key);

CREATE TABLE threads(  -- conversations: recomputed for every thread that was touched
  project_id INTEGER NOT NULL, thread_id TEXT NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL, trace_count INTEGER NOT NULL, tin INTEGER NOT NULL, tout INTEGER NOT NULL, cost REAL,
  error_count INTEGER NOT NULL, running INTEGER NOT NULL, user_id TEXT, first_trace BLOB NOT NULL,
  last_trace BLOB NOT NULL, PRIMARY KEY(project_id, thread_id)) STRICT, WITHOUT ROWID;
CREATE INDEX threads_last ON threads(project_id, last_us, thread_id);

CREATE TABLE scores(
  kind TEXT NOT NULL, target BLOB NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, author TEXT NOT NULL,
  project_id INTEGER NOT NULL, value REAL, is_bool INTEGER NOT NULL, label TEXT, reason TEXT,
  ts_us INTEGER NOT NULL, ver INTEGER NOT NULL, PRIMARY KEY(kind, target, name, source, author)) STRICT, WITHOUT ROWID;
CREATE INDEX scores_value ON scores(project_id, kind, name, value, label);

CREATE TABLE running(  -- whose open spans are whose, for when the owner dies
  owner TEXT NOT NULL, trace_id BLOB NOT NULL, span_id BLOB NOT NULL,
  PRIMARY KEY(owner, trace_id, span_id)) STRICT, WITHOUT ROWID;

CREATE TABLE edits(  -- changes of single fields, kept: what is shown is the newest snapshot with the edits after it
  kind TEXT NOT NULL, id BLOB NOT NULL, ver INTEGER NOT NULL, edit_id TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY(kind, id, ver, edit_id)) STRICT, WITHOUT ROWID;
CREATE TABLE bases(  -- the newest snapshot of what has edits, as it came
  kind TEXT NOT NULL, id BLOB NOT NULL, body BLOB NOT NULL, PRIMARY KEY(kind, id)) STRICT, WITHOUT ROWID;

CREATE TABLE deleted(  -- so that nothing of a deleted trace comes back when its records are sent again
  trace_id BLOB PRIMARY KEY, ts_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE removals(  -- so that a list that is looked at can drop their rows
  project_id INTEGER NOT NULL, change INTEGER NOT NULL, trace_id BLOB NOT NULL,
  PRIMARY KEY(project_id, change)) STRICT, WITHOUT ROWID;

CREATE TABLE blobs(sha BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT;  -- a content once, however often it is held
CREATE TABLE files(  -- attachments; trace_id is NULL while only the span is known
  file_id BLOB PRIMARY KEY, project_id INTEGER NOT NULL, trace_id BLOB, span_id BLOB,
  name TEXT NOT NULL, content_type TEXT NOT NULL, size INTEGER NOT NULL, sha BLOB NOT NULL,
  ts_us INTEGER NOT NULL, ver INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX files_trace ON files(trace_id);
CREATE INDEX files_span ON files(span_id);
CREATE INDEX files_sha ON files(sha);
CREATE TABLE media(  -- contents that stand in payloads as references
  sha BLOB NOT NULL, kind INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(kind, seq, sha)) STRICT, WITHOUT ROWID;
CREATE INDEX media_sha ON media(sha);

-- the text index, filled behind the writes with words cut by `text.py`; rowid = 2 * seq + kind
CREATE VIRTUAL TABLE words USING fts5(body, content='', detail=none, columnsize=0, tokenize='ascii');
CREATE TABLE unindexed(  -- what it does not hold yet; `old` is what it holds of an earlier version
  kind INTEGER NOT NULL, seq INTEGER NOT NULL, old_name TEXT, old BLOB,
  PRIMARY KEY(kind, seq)) STRICT, WITHOUT ROWID;

CREATE TABLE segments(  -- how far each spool file was taken, in the same transaction as its records
  path TEXT NOT NULL, range INTEGER NOT NULL, reached INTEGER NOT NULL, PRIMARY KEY(path, range)) STRICT, WITHOUT ROWID;
"""

_V2: Final = """
CREATE TABLE score_history(  -- what a score was before it was edited or taken back
  kind TEXT NOT NULL, target BLOB NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, author TEXT NOT NULL,
  value REAL, is_bool INTEGER NOT NULL, label TEXT, reason TEXT, ts_us INTEGER NOT NULL,
  replaced_us INTEGER NOT NULL) STRICT;
CREATE INDEX score_history_key ON score_history(kind, target, name);
CREATE TRIGGER score_replaced AFTER UPDATE ON scores
WHEN old.value IS NOT new.value OR old.label IS NOT new.label OR old.reason IS NOT new.reason BEGIN
  INSERT INTO score_history VALUES(old.kind, old.target, old.name, old.source, old.author, old.value, old.is_bool,
    old.label, old.reason, old.ts_us, new.ts_us);
END;

CREATE TABLE documents(  -- what people set: views, score definitions, settings
  kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, ts_us INTEGER NOT NULL,
  PRIMARY KEY(kind, key)) STRICT, WITHOUT ROWID;
"""

_V3: Final = """
ALTER TABLE spans ADD COLUMN tcached INTEGER;  -- of tin, what the provider had cached
UPDATE spans SET tcached=json_extract(usage, '$.input_cached') WHERE usage IS NOT NULL;
DROP INDEX spans_llm;
CREATE INDEX spans_model ON spans(  -- covering, for series over time
  project_id, start_us, model, end_us, tin, tout, tcached, cost, status, first_token_us) WHERE model IS NOT NULL;
"""

# Sums and orders of size are read from this one index, which grows at its end: an index for each order is written at
# a random place per trace, and that is what ingest pays more for the larger a store is.
_V4: Final = """
DROP INDEX traces_duration;
DROP INDEX traces_cost;
DROP INDEX traces_tokens;
DROP INDEX traces_time;
CREATE INDEX traces_time ON traces(
  project_id, start_us, trace_id, status, error_count, end_us, cost, tin, tout);
"""

_V5: Final = """
ALTER TABLE traces ADD COLUMN tcached INTEGER NOT NULL DEFAULT 0;
UPDATE traces SET tcached=(SELECT CAST(total(s.tcached) AS INTEGER) FROM spans s WHERE s.trace_id=traces.trace_id);
DROP INDEX traces_time;
CREATE INDEX traces_time ON traces(
  project_id, start_us, trace_id, status, error_count, end_us, cost, tin, tout, tcached);
CREATE INDEX spans_first ON spans(trace_id, first_token_us, start_us) WHERE first_token_us IS NOT NULL;
"""

_V6: Final = """
CREATE TABLE comments(  -- what people say of a trace, a span or a conversation
  comment_id BLOB PRIMARY KEY, kind TEXT NOT NULL, target BLOB NOT NULL, project_id INTEGER NOT NULL,
  text TEXT NOT NULL, author TEXT NOT NULL, ts_us INTEGER NOT NULL, ver INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX comments_target ON comments(kind, target);
"""

_MIGRATIONS: Final = (_V1, _V2, _V3, _V4, _V5, _V6)
VERSION: Final = len(_MIGRATIONS)
_CONNECTION: Final = (
    "busy_timeout=10000", "synchronous=FULL", "secure_delete=FAST", "temp_store=MEMORY",
    "wal_autocheckpoint=8000",  # 32 MB: a page that several commits change goes to the database once
)  # fmt: skip


def connect(path: str, *, cache_kb: int) -> sqlite3.Connection:
    """A connection that any thread may use, one at a time; transactions are opened by hand."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10, cached_statements=256)
    for pragma in (*_CONNECTION, f"cache_size=-{cache_kb}"):
        db.execute(f"PRAGMA {pragma}")
    return db


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Make the database, or bring it to this version, keeping a copy; StoreError when it is of a later one."""
    [found] = db.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise StoreError(f"the database is of schema {found}, this trailmark-server knows up to {VERSION}; upgrade it")
    [tables] = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        db.execute("PRAGMA page_size=4096")
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
    elif not found:
        raise StoreError("it is a database of another program; move it away to start anew")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA journal_size_limit=67108864")
    if found == VERSION:
        return
    with alone(path.parent):  # of several processes one makes the copy, and each step
        [found] = db.execute("PRAGMA user_version").fetchone()
        if 0 < found < VERSION:
            keep_before(path, found, VERSION)
        for number, script in list(enumerate(_MIGRATIONS, 1))[found:]:
            _migrate(db, number, script)


def _migrate(db: sqlite3.Connection, number: int, script: str) -> None:
    """One step, whole or not at all."""
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(script):
            db.execute(statement)
        db.execute(f"PRAGMA user_version={number}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
