"""The command line, on homes of its own, with and without a server that works on them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from trailmark_server.cli import main
from trailmark_server.store import open_store

from .conftest import START, span


class Told(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "home"
    monkeypatch.setenv("TRAILMARK_HOME", str(place))
    monkeypatch.delenv("TRAILMARK_API_KEY", raising=False)
    return place


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> Callable[..., Told]:
    def call(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["trailmark", *arguments])
        capfdbinary.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Told(code, out.decode(), err.decode())

    return call


@pytest.fixture
def put(run: Callable[..., Told], tmp_path: Path) -> Callable[..., None]:
    def store(*records: dict[str, Any]) -> None:
        path = tmp_path / "given.jsonl"
        path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
        assert run("import", str(path)).code == 0

    return store


def root(**fields: Any) -> dict[str, Any]:
    own = {key: fields.pop(key) for key in ("tags", "thread_id", "metadata") if key in fields}
    return span(trace={"name": fields.get("name", "work"), **own}, **fields)


def test_search_finds_in_all_projects_and_names_the_place_of_a_mistake(run: Any, put: Any) -> None:
    put(
        root(name="ask", project="a", tags=["vip"]),
        root(name="tell", project="b", tags=["vip"], start_us=START + 5),
        root(name="other", project="b"),
    )

    found = json.loads(run("search", "tag:vip", "--json").out)
    assert [(row["project"], row["name"]) for row in found] == [("b", "tell"), ("a", "ask")]
    assert [row["name"] for row in json.loads(run("search", "tag:vip", "--project", "a", "--json").out)] == ["ask"]
    assert [row["name"] for row in json.loads(run("search", "name:tell", "--spans", "--json").out)] == ["tell"]
    wrong = run("search", "duration>soon")
    assert (wrong.code, wrong.err.startswith("trailmark: in the filter, at ")) == (2, True)
    assert "Traceback" not in wrong.err


def test_names_with_brackets_are_shown_as_they_are(run: Any, put: Any) -> None:
    put(root(name="[bold]ask[/bold] [/]"))

    assert "[bold]ask[/bold] [/]" in run("ls").out


def test_what_is_exported_is_imported_whole(
    run: Any, put: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = root(name="ask", input={"q": "ü"}, tags=["vip"], thread_id="t1", metadata={"k": 1})
    child = span(
        trace_id=first["trace_id"], parent_id=first["id"], type="llm", output="o", usage={"input": 3, "output": 4}
    )
    put(first, child)
    run("score", "last", "good", "0.5", "--reason", "because", "--author", "ann")
    path = tmp_path / "out.jsonl"
    assert run("export", str(path)).code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    before = json.loads(run("show", "last", "--json").out)

    monkeypatch.setenv("TRAILMARK_HOME", str(tmp_path / "second"))
    assert run("import", str(path)).out.endswith(" records taken\n")
    after = json.loads(run("show", "last", "--json").out)
    assert (after["trace"], after["cols"]) == (before["trace"], before["cols"])
    assert run("export").out.splitlines() == path.read_text().splitlines()


def test_a_bad_line_is_named_and_its_neighbours_are_taken(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_bytes(b"\n".join([orjson.dumps(root()), b"{", b"", orjson.dumps(root(start_us="soon"))]))

    told = run("import", str(path))
    assert (told.code, told.out) == (1, "1 records taken, 2 refused\n")
    assert f"{path}:2: " in told.err
    assert f"{path}:4: start_us: " in told.err


def test_a_csv_export_runs_no_formula(run: Any, put: Any) -> None:
    put(root(name="=HYPERLINK(1)", input="  @SUM(1)", output="-1+1", tags=["a", "b"]))

    [row] = csv.DictReader(io.StringIO(run("export", "--format", "csv").out))
    assert (row["name"], row["input"], row["output"]) == ("'=HYPERLINK(1)", "'  @SUM(1)", "'-1+1")
    assert (row["duration_ms"], row["tags"], row["start"]) == ("1.0", '["a", "b"]', "2027-01-15T08:00:00.000000+00:00")
    [raw] = csv.DictReader(io.StringIO(run("export", "--format", "csv", "--raw", "--spans").out))
    assert raw["name"] == "=HYPERLINK(1)"


def test_a_parquet_export_has_typed_columns(run: Any, put: Any, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    put(root(name="ask"), root(name="tell", start_us=START + 1, end_us=None, status="running"))
    path = tmp_path / "out.parquet"
    assert run("export", str(path), "--format", "parquet", "--spans").code == 0

    table = parquet.read_table(path)
    assert table.column("name").to_pylist() == ["ask", "tell"]
    assert table.column("duration_ms").to_pylist() == [1.0, None]
    assert str(table.schema.field("start").type) == "timestamp[us, tz=UTC]"


@pytest.mark.parametrize(
    ("given", "stored"),
    [("0.5", (0.5, None)), ("true", (True, None)), ("good", (None, "good")), ("-2", (-2.0, None))],
)
def test_a_score_is_a_number_a_truth_or_a_label(run: Any, put: Any, given: str, stored: tuple[Any, Any]) -> None:
    put(root())
    assert run("score", "last", "q", "--", given).code == 0

    [score] = json.loads(run("show", "last", "--json").out)["trace"]["scores"]
    assert (score["value"], score["label"], score["source"]) == (*stored, "human")
    assert run("score", "last", "q", "nan").code == 1


def test_delete_asks_before_it_does(run: Any, put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(root(name="a"), root(name="b"))
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert run("delete", "--query", "name:a").code == 1
    assert len(json.loads(run("ls", "--json").out)) == 2

    assert run("delete", "--query", "name:a", "--yes").out == "1 deleted\n"
    assert [row["name"] for row in json.loads(run("ls", "--json").out)] == ["b"]
    assert "delete what?" in run("delete").err


def test_doctor_tells_what_is_wrong(run: Any, put: Any, home: Path) -> None:
    assert "nothing was recorded" in run("doctor").out
    put(root())
    well = run("doctor")
    assert (well.code, "the database is whole" in well.out) == (0, True)

    home.chmod(0o755)
    assert ["warning", True] in [
        [found["verdict"], "chmod 700" in found["text"]] for found in json.loads(run("doctor", "--json").out)
    ]
    (home / "trailmark.db").write_bytes(b"no database" * 1000)
    broken = run("doctor")
    assert (broken.code, "is not a usable database" in broken.out) == (1, True)


def test_a_home_that_cannot_be_looked_into_is_one_line(run: Any) -> None:
    for command in (["ls"], ["doctor"], ["show", "last"], ["keys", "ls"], ["export"]):
        told = run(*command, "--home", f"/dev/null/{'x' * 300}")
        assert told.code in (0, 1), command
        assert "Traceback" not in told.err + told.out, command
        assert told.err.count("\n") <= 1, command


def test_which_version_it_is(run: Any) -> None:
    assert re.fullmatch(r"trailmark-server \d+\.\d+\S*\n", run("--version").out)


@contextmanager
def running(home: Path) -> Iterator[None]:
    """A server that works on the home, as a process of its own."""
    command = [sys.executable, "-m", "trailmark_server", "serve", "--port", "0", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as server:
        assert server.stdout is not None
        assert "trailmark runs at" in server.stdout.readline()
        try:
            yield
        finally:
            server.terminate()


def test_changes_go_to_the_server_that_works_on_the_home(run: Any, put: Any, home: Path, tmp_path: Path) -> None:
    put(root(name="a"))
    with running(home):
        put(root(name="b", start_us=START + 9))
        assert run("score", "last", "q", "1").code == 0
        assert run("delete", "--query", "name:a", "--yes").out == "1 deleted\n"
        [row] = json.loads(run("ls", "--json").out)
        assert (row["name"], row["scores"]["q"]["value"]) == ("b", 1.0)


def test_tail_shows_what_ends_while_it_looks(home: Path, put: Any) -> None:
    put(root(name="before"))
    command = [
        sys.executable,
        "-m",
        "trailmark_server",
        "tail",
        "name:a*",
        "--json",
        "--count",
        "2",
        "--home",
        str(home),
    ]
    program = "import trailmark\nfor n in ('a1', 'b', 'a2'):\n    with trailmark.trace(n): pass\n"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        recorder = threading.Thread(target=_record_until, args=(tail, program, home))
        recorder.start()
        names = [json.loads(line)["name"] for line in tail.stdout]
        recorder.join()

    assert names[0].startswith("a")
    assert set(names) <= {"a1", "a2"}
    assert tail.returncode == 0


def _record_until(tail: subprocess.Popen[str], program: str, home: Path) -> None:
    """Again and again: what ended before `tail` began to look is not shown."""
    while tail.poll() is None:
        subprocess.run([sys.executable, "-c", program], env={**os.environ, "TRAILMARK_QUIET": "1"}, check=True)


def test_a_newer_database_is_refused_with_what_to_do(run: Any, put: Any, home: Path) -> None:
    import sqlite3

    put(root())
    db = sqlite3.connect(home / "trailmark.db")
    db.execute("PRAGMA user_version=999")
    db.close()

    told = run("ls")
    assert told.code == 1
    assert "upgrade" in told.err


def test_prune_erases_what_is_old_and_says_what_is_left(run: Any, put: Any) -> None:
    put(root(name="old", start_us=START - 900 * 86_400_000_000), root(name="new", start_us=START + 10**15))
    assert run("prune").code == 1
    assert "older-than is 'soon'; allowed:" in run("prune", "--older-than", "soon").err

    told = run("prune", "--older-than", "30d", "--yes")
    assert told.out.startswith("1 erased; the database takes ")
    assert [row["name"] for row in json.loads(run("ls", "--json").out)] == ["new"]
    assert run("prune", "--max-size", "0MB", "--yes").out.startswith("1 erased")


def test_a_backup_is_a_store_that_can_be_put_in_place(
    run: Any, put: Any, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root(name="kept"))
    copy = tmp_path / "copy.db"
    assert run("backup", str(copy)).out.endswith("MB, checked\n")
    assert copy.stat().st_mode & 0o777 == 0o600
    run("delete", "last", "--yes")

    restored = tmp_path / "restored"
    restored.mkdir(mode=0o700)
    copy.rename(restored / "trailmark.db")
    monkeypatch.setenv("TRAILMARK_HOME", str(restored))
    assert [row["name"] for row in json.loads(run("ls", "--json").out)] == ["kept"]
    assert "is a folder" in run("backup", str(tmp_path)).err


def test_what_can_be_read_is_saved_into_a_new_database(run: Any, put: Any, home: Path, tmp_path: Path) -> None:
    put(span(name="kept"), span())
    told = run("doctor", "--recover", str(tmp_path / "new.db"))
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("2 traces, 2 spans saved in")
    (tmp_path / "new.db").replace(home / "trailmark.db")
    assert "kept" in run("ls").out
    again = run("doctor", "--recover", str(tmp_path / "other.db"), "--json")
    assert {"table": "spans", "rows": 2, "whole": True} in json.loads(again.out)
    assert "cannot write to" in run("doctor", "--recover", str(tmp_path / "other.db")).err
    assert "is not there" in run("doctor", "--recover", str(tmp_path / "x.db"), "--home", str(tmp_path / "no")).err


def test_every_workspace_has_a_backup_of_its_own(run: Any, home: Path, tmp_path: Path) -> None:
    (home / "workspaces").mkdir(parents=True)
    open_store(home / "workspaces" / "red.db").close()
    copy = tmp_path / "red.db"
    assert run("backup", str(copy), "--workspace", "red").code == 0
    open_store(copy).close()
    assert "nothing is stored in" in run("backup", str(copy), "--workspace", "blue").err
    assert "workspace is '../x'; allowed" in run("backup", str(copy), "--workspace", "../x").err


def test_a_server_that_works_on_the_home_is_not_pruned_behind_its_back(
    run: Any, put: Any, home: Path, tmp_path: Path
) -> None:
    put(root())
    with running(home):
        assert "a server works on this home" in run("prune", "--older-than", "1h", "--yes").err
        assert run("backup", str(tmp_path / "live.db")).code == 0
