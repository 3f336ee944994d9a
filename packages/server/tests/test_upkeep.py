"""Keeping a store: pruning, giving space back, copies of a store in use, migrations, damage and full disks."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from trailmark_server.seed import seed
from trailmark_server.store import DamagedError, FullError, Store, StoreError, TooLongError, open_store, recover
from trailmark_server.store.upkeep import prune

from .conftest import START, new_id, span
from .reference import Reference
from .test_conformance import QUERIES, compare, everything

UNTIL = 1_800_000_000_000_000


def tables(store: Store) -> dict[str, int]:
    """Rows of each table that holds something of a trace."""
    names = (
        "spans",
        "roots",
        "payloads",
        "traces",
        "trace_tags",
        "trace_meta",
        "threads",
        "scores",
        "unindexed",
        "blobs",
        "media",
    )
    with sqlite3.connect(store.path) as db:
        found = {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    db.close()
    return found


@pytest.fixture
def seeded(store: Store) -> Store:
    seed(store, 2000, until_us=UNTIL, days=10)
    while store.index_text():
        pass
    return store


def test_pruning_by_age_leaves_what_is_younger(seeded: Store) -> None:
    before = UNTIL - 5 * 86_400_000_000
    count = prune(seeded, before_us=before)
    with seeded.read() as reader:
        left = reader.newest(10_000)
    assert count > 50
    assert left
    assert all(row["start_us"] >= before for row in left)


def test_pruning_a_project_leaves_the_others_and_nothing_of_it(seeded: Store) -> None:
    for project in ("rag", "support-agent", "chat-assistant", "research", "batch-eval"):
        prune(seeded, project=project)
    assert set(tables(seeded).values()) == {0}
    with sqlite3.connect(seeded.path) as db:
        assert db.execute("SELECT count(*) FROM words WHERE words MATCH 'refund'").fetchone() == (0,)
    db.close()


def test_pruning_by_size_gives_the_space_back(seeded: Store) -> None:
    before = seeded.used_bytes()
    prune(seeded, max_bytes=before // 2)
    seeded.close()
    assert seeded.path.stat().st_size < before * 0.6
    again = open_store(seeded.path)
    with again.read() as reader:
        assert len(reader.newest(10_000)) > 10
    again.close()


def test_pruning_nothing_in_particular_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="prune what"):
        prune(store)


def test_a_backup_is_of_one_moment_while_writes_go_on(seeded: Store, tmp_path: Path) -> None:
    stop, written = threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            seeded.put([span()])
            written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    seeded.backup(tmp_path / "copy.db")
    stop.set()
    writer.join()
    copy = open_store(tmp_path / "copy.db")
    with copy.read() as reader, seeded.read() as original:
        there = {row["id"] for row in original.newest(100_000)}
        assert {row["id"] for row in reader.newest(100_000)} <= there
    copy.close()
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "copy.db.part").exists()


def test_a_backup_that_cannot_be_made_says_why(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no backup in"):
        store.backup(tmp_path / "nowhere" / "copy.db")


@pytest.mark.parametrize("path", sorted((Path(__file__).parent / "stores").iterdir()), ids=lambda path: path.name)
def test_a_store_of_an_older_schema_answers_as_one_made_now(path: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    old.write_bytes(gzip.decompress(path.read_bytes()))
    for file in (old, new):
        open_store(file).close()
    with contextlib.closing(sqlite3.connect(old)) as one, contextlib.closing(sqlite3.connect(new)) as other:
        assert shape(one) == shape(other)
    store, reference = open_store(old), Reference()
    reference.put(everything())
    compare(store, reference, [(query, "-start", 7) for query in QUERIES])
    store.put([span(name="later")])
    store.close()


def shape(db: sqlite3.Connection) -> dict[str, str]:
    """The schema's version, and what makes each table, index and trigger."""
    [version] = db.execute("PRAGMA user_version").fetchone()
    return {"": version, **dict(db.execute("SELECT name, sql FROM sqlite_master"))}


def old_store(path: Path) -> Path:
    path.write_bytes(gzip.decompress((Path(__file__).parent / "stores" / "schema-3.db.gz").read_bytes()))
    return path


def version_of(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as db:
        [version] = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def test_what_a_database_was_before_a_migration_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, older = old_store(tmp_path / "trailmark.db"), tmp_path / "trailmark.db.schema-2"
    older.write_bytes(b"of the migration before")
    open_store(path).close()
    open_store(path).close()  # nothing left to do
    copy = tmp_path / "trailmark.db.schema-3"
    assert version_of(copy) == 3
    assert version_of(path) > 3
    assert not older.exists()
    [told] = [record.getMessage() for record in caplog.records]
    assert str(copy) in told
    path.unlink()
    copy.rename(path)
    open_store(path).close()  # and it is a database that can be used again
    assert version_of(path) > 3


def test_without_room_for_a_copy_a_migration_says_so_and_is_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_store(tmp_path / "trailmark.db")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    open_store(path).close()
    assert version_of(path) > 3
    assert [file.name for file in tmp_path.glob("*.schema-*")] == []
    assert "without a copy" in caplog.text


def test_a_store_from_before_the_bound_on_tokens_takes_sums_beyond_64_bits(store: Store) -> None:
    most, trace_id = 2**63 - 1, new_id()
    store.put([span(trace_id=trace_id, thread_id="t", trace={"thread_id": "t"}, type="llm", model="m")])
    with contextlib.closing(sqlite3.connect(store.path)) as db:
        db.execute("UPDATE spans SET tin=?, tout=?, tcached=?", (most, most, most))
        db.commit()
    store.put([span(trace_id=trace_id, parent_id=new_id(), usage={"input": 10, "output": 10}, model="m")])
    store.put([span(trace={"thread_id": "t"}, usage={"input": 10, "output": 10})])
    with store.read() as reader:
        [row] = [row for row in reader.newest(10) if row["id"] == trace_id]
        [thread] = reader.threads("Default Project", limit=5)
        for by in ("", "model"):
            reader.metrics(
                "Default Project", wanted=("tokens",), by=by, query="", bounds=(START, START + 10**6), buckets=1
            )
        reader.trace_rows("Default Project", sort="-tokens", query="tokens>5")
    assert row["tin"] == thread["tin"] == most


def test_a_question_is_stopped_at_its_time_and_writes_go_on_beside_it(seeded: Store) -> None:
    heavy = " OR ".join(f"name~nothing-{n}" for n in range(100))
    with pytest.raises(TooLongError, match="more than 0 s; narrow it"), seeded.read(timeout_s=0) as reader:
        seeded.put([span(name="beside")])
        reader.histogram("support-agent", query=heavy, bounds=(None, None), buckets=60)
    with seeded.read() as reader:
        assert "beside" in {row["name"] for row in reader.newest(10)}


def test_processes_that_migrate_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = old_store(tmp_path / "old.db")
    program = "import sys; from pathlib import Path; from trailmark_server.store import open_store; open_store(Path(sys.argv[1])).close()"
    running = [subprocess.Popen([sys.executable, "-c", program, str(path)]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]


@pytest.mark.parametrize(("version", "message"), [(99, "is of schema 99"), (0, "of another program")])
def test_a_newer_or_foreign_database_is_left_alone(tmp_path: Path, version: int, message: str) -> None:
    path = tmp_path / "trailmark.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs(x)")
        db.execute(f"PRAGMA user_version={version}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=message):
        open_store(path)
    assert path.read_bytes() == before


def test_a_full_disk_refuses_writes_keeps_reads_and_recovers(store: Store) -> None:
    store.put([span(name="before")])

    def limit(pages: int) -> None:
        store.write(lambda writer: writer._db.execute(f"PRAGMA max_page_count={pages}"))

    limit(1)  # SQLite's own way to run out of space: never less than there is
    with pytest.raises(FullError, match="disk is full"):
        for _ in range(200):
            store.put([span(input={"text": new_id() * 500})])
    assert store.health().state == "full"
    with store.read() as reader:
        assert "before" in {row["name"] for row in reader.newest(1000)}
    try:
        limit(2**30)
    except FullError:
        pytest.fail("a job that needs no space was refused")
    store.put([span(name="after", start_us=START + 10**9)])
    assert store.health().state == "ok"
    with store.read() as reader:
        assert reader.newest(1)[0]["name"] == "after"


def damaged(path: Path, table: str) -> tuple[int, int]:
    """A store whose table has a broken page in its middle; how many traces and spans it had."""
    store = open_store(path)
    seed(store, 1000, until_us=UNTIL)
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        counts = db.execute("SELECT (SELECT count(*) FROM traces), (SELECT count(*) FROM spans)").fetchone()
        [page] = db.execute("SELECT rootpage FROM sqlite_master WHERE name=?", (table,)).fetchone()
    data = bytearray(path.read_bytes())
    while data[(page - 1) * 4096] in (2, 5):  # an inner page of a tree: on to the child in its middle
        at = (page - 1) * 4096
        middle = at + 12 + int.from_bytes(data[at + 3 : at + 5]) // 2 * 2
        cell = at + int.from_bytes(data[middle : middle + 2])
        page = int.from_bytes(data[cell : cell + 4])
    data[(page - 1) * 4096 : page * 4096] = b"\xaa" * 4096
    path.write_bytes(data)
    return counts


@pytest.mark.parametrize("table", ["traces", "spans", "payloads", "trace_meta"])
def test_what_can_be_read_of_a_damaged_database_is_recovered(tmp_path: Path, table: str) -> None:
    old, new = tmp_path / "trailmark.db", tmp_path / "new.db"
    traces, spans = damaged(old, table)
    before = old.read_bytes()
    saved = recover(old, new)
    store = open_store(new)
    while store.index_text():
        pass
    with store.read(timeout_s=None) as reader:
        assert reader.damage() == ""
        assert len(reader.newest(traces + 1)) == traces
        assert len(reader.find("")) == 10
    store.put([span()])
    store.close()
    assert {name for name, (_, is_whole) in saved.items() if not is_whole} == {table}
    assert (saved["spans"][0] == spans) == (table != "spans")
    assert saved["spans"][0] > spans / 2
    assert old.read_bytes() == before


def test_a_recovery_that_cannot_be_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "old.db").write_bytes(b"\xaa" * 8192)
    with pytest.raises(StoreError, match="nothing can be read of"):
        recover(tmp_path / "old.db", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()
    (tmp_path / "there.db").write_bytes(b"mine")
    with pytest.raises(StoreError, match="cannot write to"):
        recover(tmp_path / "old.db", tmp_path / "there.db")
    assert (tmp_path / "there.db").read_bytes() == b"mine"


def test_a_damaged_database_refuses_writes_and_reads_what_it_can(tmp_path: Path) -> None:
    path = tmp_path / "trailmark.db"
    store = open_store(path)
    seed(store, 1000, until_us=UNTIL)
    store.close()
    data = bytearray(path.read_bytes())
    with sqlite3.connect(path) as db:
        [root] = db.execute("SELECT rootpage FROM sqlite_master WHERE name='spans'").fetchone()
    db.close()
    data[(root - 1) * 4096 : root * 4096] = b"\xaa" * 4096
    path.write_bytes(data)
    store = open_store(path)
    with pytest.raises(DamagedError, match="is damaged"):
        store.put([span()])
    assert store.health().state == "damaged"
    with pytest.raises(DamagedError):
        store.put([span()])
    with store.read() as reader:
        assert reader.newest(5)
    store.close()


def test_one_failed_job_costs_its_neighbours_nothing(store: Store) -> None:
    begin = threading.Barrier(9)
    failed: list[Exception] = []

    def good(n: int) -> None:
        begin.wait()
        store.put([span(name=f"good {n}")])

    def bad() -> None:
        begin.wait()
        try:
            store.write(lambda writer: (writer.put([span(name="never")]), 1 / 0))
        except ZeroDivisionError as error:
            failed.append(error)

    threads = [threading.Thread(target=good, args=(n,)) for n in range(8)] + [threading.Thread(target=bad)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as reader:
        assert {row["name"] for row in reader.newest(100)} == {f"good {n}" for n in range(8)}
    assert len(failed) == 1
