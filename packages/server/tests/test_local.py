"""From the spool of this machine's programs, and the command line on what they recorded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from trailmark import spool
from trailmark_server.ingest.local import POLL_S, LocalIngester
from trailmark_server.store import Store

TRAILMARK = Path(sys.executable).with_name("trailmark")
PROGRAM = """
import os, signal, sys, trailmark
@trailmark.track
def leaf(x): return x
@trailmark.track(name="app")
def app(x):
    leaf(x)
    if x == "die": os.kill(os.getpid(), signal.SIGKILL)
    if x == "wait": print("here", flush=True); sys.stdin.read()
    return x
app(sys.argv[1])
"""


def environment(home: Path) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("TRAILMARK_", "OPIK_"))}
    return {**clean, "TRAILMARK_HOME": str(home), "TRAILMARK_QUIET": "true"}


def record(home: Path, x: str) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, x], env=environment(home), check=x != "die")


def cli(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TRAILMARK, *arguments], env=environment(home), capture_output=True, text=True, check=False)


def statuses(store: Store) -> dict[str, str]:
    with store.read() as reader:
        return {
            name: status
            for row in reader.newest(100)
            for cols in [reader.trace(row["id"])["cols"]]
            for name, status in zip(cols["name"], cols["status"], strict=True)
        }


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 20 s"
        time.sleep(0.02)


def test_what_a_program_recorded_is_taken_and_its_segments_go(store: Store, tmp_path: Path) -> None:
    home = tmp_path / "home"
    record(home, "x")
    ingester = LocalIngester(store, home)
    assert ingester.once() == 4
    assert statuses(store) == {"app": "ok", "leaf": "ok"}
    assert list((home / "spool").iterdir()) == []
    assert ingester.once() == 0


def test_open_spans_of_a_killed_program_are_interrupted(store: Store, tmp_path: Path) -> None:
    home = tmp_path / "home"
    record(home, "die")
    LocalIngester(store, home).once()
    assert statuses(store) == {"app": "interrupted", "leaf": "ok"}
    with store.read() as reader:
        [row] = reader.newest(1)
        assert row["status"] == "interrupted"
        assert reader.trace(row["id"])["trace"]["input"] == {"x": "die"}


def test_a_living_program_is_followed_and_interrupted_only_when_it_dies(store: Store, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "wait"], env=environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        program.stdout.readline()
        ingester = LocalIngester(store, home)
        ingester.start()
        eventually(lambda: statuses(store) == {"app": "running", "leaf": "ok"})
        program.send_signal(signal.SIGKILL)
    eventually(lambda: statuses(store) == {"app": "interrupted", "leaf": "ok"})
    ingester.stop()


def test_one_look_finds_what_a_living_program_recorded(store: Store, tmp_path: Path) -> None:
    """No flush, no end of the program: when the call has returned its record is there to be read."""
    home = tmp_path / "home"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "wait"], env=environment(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        program.stdout.readline()
        LocalIngester(store, home).once()

        assert statuses(store) == {"app": "running", "leaf": "ok"}
        program.communicate(b"")
    assert 2 * POLL_S <= 0.2  # seconds, until the server has looked twice


def test_a_busy_program_keeps_no_other_waiting(store: Store, tmp_path: Path) -> None:
    home = tmp_path / "home"
    busy = (
        "import trailmark\nbusy = trailmark.track(name='busy')(lambda x: None)\nfor _ in range(600): busy('x' * 20_000)"
    )
    subprocess.run([sys.executable, "-c", busy], env=environment(home), check=True)  # more than one look takes
    record(home, "small")
    arrived: list[set[str]] = []
    ingester = LocalIngester(store, home, arrived=lambda records: arrived.append({one["name"] for one in records}))
    ingester.once()

    assert arrived[:2] == [{"busy"}, {"app", "leaf"}]
    assert arrived[2] == {"busy"}


def test_each_home_is_taken_by_its_own_server(tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        record(home, home.name)
    servers = [
        subprocess.Popen([TRAILMARK, "serve", "--port", "0"], env=environment(home), stdout=subprocess.PIPE, text=True)
        for home in homes
    ]
    try:
        for home, server in zip(homes, servers, strict=True):
            assert server.stdout is not None
            url = server.stdout.readline().split()[3]

            export = f"{url}/api/v1/projects/Default%20Project/export"

            def inputs(export: str = export) -> list[Any]:
                lines = httpx2.get(export, trust_env=False).text.splitlines()
                return [one["input"] for one in map(json.loads, lines) if one["name"] == "app"]

            eventually(lambda inputs=inputs: inputs() == [{"x": home.name}])
    finally:
        for server in servers:
            server.communicate(server.terminate())


def test_reading_twice_after_a_crash_changes_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    record(home, "x")
    monkeypatch.setattr(spool, "ack", lambda *_: (_ for _ in ()).throw(OSError("crash before the acknowledgement")))
    with pytest.raises(OSError, match="crash"):
        LocalIngester(store, home).once()
    monkeypatch.undo()
    assert LocalIngester(store, home).once() == 4
    with store.read() as reader:
        assert [(row["name"], row["spans"]) for row in reader.newest(10)] == [("app", 2)]


def test_the_command_line_shows_what_was_recorded_without_a_server(tmp_path: Path) -> None:
    record(tmp_path, "x")
    shown = cli(tmp_path, "show", "last")
    assert [line.split()[-4 if n else 1] for n, line in enumerate(shown.stdout.splitlines())][:1] == ["app"]
    assert "leaf" in shown.stdout
    rows: list[dict[str, Any]] = json.loads(cli(tmp_path, "ls", "--json").stdout)
    assert [(row["name"], row["spans"], row["status"]) for row in rows] == [("app", 2, "ok")]
    assert rows[0]["id"] in cli(tmp_path, "ls").stdout
    assert json.loads(cli(tmp_path, "show", rows[0]["id"], "--json").stdout)["trace"]["name"] == "app"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "ffff"), "no trace begins with 'ffff'"),
        (("show",), "show what? Give trace ids"),
        (("serve", "--host", "0.0.0.0"), "host is '0.0.0.0': whoever reaches it"),
        (("serve", "--allowed-host", "traces.example.com"), "allowed-host is 'traces.example.com': whoever reaches it"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    record(tmp_path, "x")
    done = cli(tmp_path, *arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_empty_home_and_a_foreign_database_are_said(tmp_path: Path) -> None:
    assert "nothing was recorded in" in cli(tmp_path, "ls").stderr
    (tmp_path / "trailmark.db").write_bytes(b"not a database at all, but long enough to look like one" * 100)
    done = cli(tmp_path, "ls")
    assert done.returncode == 1
    assert "is not a usable database" in done.stderr


def test_a_second_server_on_a_home_says_where_the_first_is(tmp_path: Path) -> None:
    record(tmp_path, "x")
    command = [TRAILMARK, "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        url = first.stdout.readline().split()[-1]
        second = cli(tmp_path, "serve", "--port", "0")
        assert second.returncode == 1
        assert url in second.stderr
        assert "app" in cli(tmp_path, "show", "last").stdout
        first.terminate()
    assert not (tmp_path / "server.json").exists()


def test_a_program_without_a_destination_tells_the_server_of_its_home_what_it_dropped(
    store: Store, tmp_path: Path
) -> None:
    home = tmp_path / "full"
    program = """
import trailmark
for _ in range(150): trailmark.track(len)("x" * 100_000)
print(trailmark.stats()["dropped_because"]["full"])
"""
    env = {**environment(home), "TRAILMARK_SPOOL_MAX_BYTES": "12000000"}
    done = subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True, text=True)
    heard: list[dict[str, Any]] = []
    LocalIngester(store, home, lambda report: heard.append(json.loads(report))).once()
    [report] = heard
    assert report["dropped"] == {"full": int(done.stdout)}
    assert report["mode"] == "mmap"
