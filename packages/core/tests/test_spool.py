"""The spool's files: what damage may do, and a model of writing, taking and acknowledging in any order."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from trailmark import spool
from trailmark._disk import open_outbox
from trailmark._writer import SpoolWriter
from trailmark.wire import Tail

LIMIT = 1 << 30
EVERYTHING = 1 << 40


def record(n: int, size: int = 10, ver: int = 2) -> bytes:
    return b'{"k":"span","id":"%036d","ver":%d,"text":"%s"}' % (n, ver, b"x" * size)


def written(folder: Path, records: list[bytes]) -> Path:
    """One closed segment's home."""
    (folder / "spool").mkdir(parents=True)
    writer = SpoolWriter(folder / "spool", "boot-1-1", "", lambda _size: None)
    for data in records:
        writer.put(data)
    writer.close()
    return folder


def everything(home: Path) -> list[bytes]:
    return [
        data for segment in spool.segments(home) for data in spool.read(segment, EVERYTHING, from_start=True).records
    ]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    records = [record(n, size) for n, size in enumerate([0, 1, 7, 8, 9, 60_000, 70_000, 3, 300_000, 2_000_000, 5])]
    assert sorted(everything(written(tmp_path, records))) == sorted(records)


def test_a_shared_tail_is_stored_once_and_read_twice(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    writer = SpoolWriter(tmp_path / "spool", "boot-1-1", "", lambda _size: None)
    tail = Tail(b',"input":"' + b"y" * 40_000 + b'"}')
    for ver in (1, 2, 3):
        writer.put(b'{"k":"span","id":"%036d","ver":%d' % (1, ver), tail)
    writer.close()
    assert [json.loads(data)["ver"] for data in everything(tmp_path)] == [1, 2, 3]
    assert {len(json.loads(data)["input"]) for data in everything(tmp_path)} == {40_000}
    assert sum(path.stat().st_size for path in (tmp_path / "spool").glob("*.seg")) < 80_000


@pytest.mark.parametrize("sync", ["off", "always"])
def test_threads_that_go_from_range_to_range_at_once_lose_and_repeat_nothing(tmp_path: Path, sync: str) -> None:
    (tmp_path / "spool").mkdir()
    writer = SpoolWriter(tmp_path / "spool", "boot-1-1", "", lambda _size: None, sync=sync)
    together = threading.Barrier(8)

    def write(thread: int) -> None:
        tail = Tail(b',"input":"' + b"%d" % thread * 30_000 + b'"}')
        together.wait()
        for n in range(200):
            made = record(1000 * thread + n, 3000 + n)
            writer.put(*((made[:-1], tail) if n % 5 == 0 else (made,)))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        writer.tend()
    writer.close()
    found = [json.loads(data) for data in everything(tmp_path)]
    assert sorted(int(each["id"]) for each in found) == sorted(1000 * t + n for t in range(8) for n in range(200))
    assert all(each["input"] == each["id"].lstrip("0")[:-3].rjust(1, "0") * 30_000 for each in found if "input" in each)
    assert writer.recorded() == 1600


def test_a_closed_writer_says_so(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    writer = SpoolWriter(tmp_path / "spool", "boot-1-1", "", lambda _size: None)
    writer.close()
    for data in ((record(1),), (record(1)[:-1], Tail(b',"input":1}')), (record(2, 300_000),)):
        with pytest.raises(ValueError, match="closed"):
            writer.put(*data)
    assert everything(tmp_path) == []


def test_a_segment_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    newer = tmp_path / "spool" / "boot-1-1.0.seg"
    newer.write_bytes(spool.header("", 0, version=spool.FORMAT + 1) + spool.frame(record(1)))
    assert spool.segments(tmp_path) == []
    outbox = open_outbox(tmp_path, "", LIMIT, "off")
    outbox.put(record(2))
    outbox.tend()
    outbox.close()
    assert newer.exists()


def test_files_that_are_no_segments_disturb_nobody(tmp_path: Path) -> None:
    home = written(tmp_path, [record(1)])
    (home / "spool" / "a.0.seg").write_bytes(b"")
    (home / "spool" / "b.0.seg").write_bytes(os.urandom(5000))
    (home / "spool" / "c.0.seg").symlink_to("/etc/passwd")
    (home / "spool" / "d.0.seg").mkdir()
    assert everything(home) == [record(1)]


damage = st.lists(
    st.one_of(
        st.tuples(st.just("zero"), st.integers(0, 1), st.integers(1, 9000)),
        st.tuples(st.just("flip"), st.floats(0, 1), st.integers(1, 255)),
        st.tuples(st.just("cut"), st.floats(0, 1), st.just(0)),
        st.tuples(st.just("noise"), st.floats(0, 1), st.integers(1, 200)),
        st.tuples(st.just("page"), st.floats(0, 1), st.just(0)),
        st.tuples(st.just("magic"), st.floats(0, 1), st.integers(0, 2**32 - 1)),
    ),
    max_size=6,
)


def damaged(data: bytearray, kind: str, where: float, how: int) -> bytearray:
    at = int(where * max(0, len(data) - 1))
    if kind == "cut":
        return data[:at]
    if kind == "flip" and data:
        data[at] ^= how
    if kind == "zero":
        data[at : at + how] = bytes(min(how, len(data) - at))
    if kind == "noise":
        data[at : at + how] = os.urandom(min(how, len(data) - at))
    if kind == "page":
        at &= ~4095
        data[at : at + 4096] = bytes(min(4096, len(data) - at))
    if kind == "magic":
        data[at : at + 8] = (b"\xf7TM\x02" + how.to_bytes(4, "little"))[: max(0, len(data) - at)]
    return data


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=40), faults=damage, shared=st.booleans())
def test_damage_never_raises_never_invents_and_stays_where_it_is(
    sizes: list[int], faults: list[tuple[str, float, int]], *, shared: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        records = [record(n, size) for n, size in enumerate(sizes)]
        (home / "spool").mkdir()
        writer = SpoolWriter(home / "spool", "boot-1-1", "", lambda _size: None)
        for data in records:
            cut = len(data) // 2
            writer.put(*((data[:cut], Tail(data[cut:])) if shared else (data,)))
        writer.close()
        [path] = (home / "spool").glob("*.seg")
        data = bytearray(path.read_bytes())
        for fault in faults:
            data = damaged(data, *fault)
        path.write_bytes(data)
        found = everything(home)
        assert set(found) <= set(records)
        assert len(found) == len(set(found))
        if not faults:
            assert found == records


@given(position=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_one_flipped_bit_costs_one_record(position: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = written(Path(folder), [record(n, 100) for n in range(50)])
        [path] = (home / "spool").glob("*.seg")
        data = bytearray(path.read_bytes())
        at = spool.DATA_AT + int(position * (50 * 176 - 1))
        data[at] ^= 0x40
        path.write_bytes(data)
        assert len(everything(home)) >= 49


def test_damage_is_counted(tmp_path: Path) -> None:
    home = written(tmp_path, [record(n, 100) for n in range(3)])
    [path] = (home / "spool").glob("*.seg")
    data = bytearray(path.read_bytes())
    data[spool.DATA_AT + 180] ^= 1
    path.write_bytes(data)
    [segment] = spool.segments(home)
    batch = spool.read(segment)
    assert len(batch.records) == 2
    assert batch.damaged > 0


class Spool(RuleBasedStateMachine):
    """Several owners of one home write, take, acknowledge, die and come again: each record is taken until acknowledged."""

    outboxes = Bundle("outboxes")

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.put: set[bytes] = set()
        self.acked: set[bytes] = set()
        self.next = 0
        self.live: list[object] = []

    @initialize(target=outboxes)
    def first(self) -> object:
        return self.opened()

    @rule(target=outboxes)
    @precondition(lambda self: len(self.live) < 3)
    def opened(self) -> object:
        outbox = open_outbox(self.home, "http://x", LIMIT, "off")
        self.live.append(outbox)
        return outbox

    @rule(outbox=outboxes, count=st.integers(1, 30), size=st.sampled_from([0, 50, 3000, 70_000, 300_000]))
    def write(self, outbox: object, count: int, size: int) -> None:
        if outbox in self.live:
            for _ in range(count):
                self.next += 1
                data = record(self.next, size)
                outbox.put(data)
                self.put.add(data)

    @rule(outbox=outboxes, limit=st.sampled_from([100, 5000, 1_000_000]), arrives=st.booleans())
    def deliver(self, outbox: object, limit: int, *, arrives: bool) -> None:
        if outbox in self.live and (batch := outbox.take(500, limit)):
            assert set(batch) <= self.put
            if arrives:
                outbox.ack()
                self.acked |= set(batch)

    @rule(outbox=outboxes)
    def tend(self, outbox: object) -> None:
        if outbox in self.live:
            outbox.tend()
            outbox.adopt_now()

    @rule(outbox=outboxes)
    def end(self, outbox: object) -> None:
        if outbox in self.live:
            self.live.remove(outbox)
            outbox.close()

    @invariant()
    def nothing_is_gone(self) -> None:
        assert self.put - self.acked <= set(everything(self.home))

    def teardown(self) -> None:
        last = open_outbox(self.home, "http://x", LIMIT, "off")
        for outbox in self.live:
            outbox.close()
        last.adopt_now()
        found: set[bytes] = set()
        idle = 0
        while idle < 3:
            batch = last.take(500, 1_000_000)
            found |= set(batch)
            idle = 0 if batch else idle + 1
            last.ack()
            last.tend()
        assert found >= self.put - self.acked
        assert found <= self.put
        last.close()
        assert list((self.home / "spool").iterdir()) == []
        shutil.rmtree(self.home)


TestSpool = Spool.TestCase
TestSpool.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("mapped", [True, False], ids=["mmap", "write"])
def test_a_small_spool_takes_large_records_beside_small_ones(tmp_path: Path, *, mapped: bool) -> None:
    from trailmark._disk import DiskOutbox

    outbox = DiskOutbox(tmp_path, "", 4_000_000, "off", mapped=mapped)
    for n in range(10):
        outbox.put(record(n, 1000))
        outbox.put(record(100 + n, 100_000))
    outbox.put(record(200, 1_000_000))

    assert len(everything(tmp_path)) == 21
    assert not outbox.dropped()
    for n in range(100):
        outbox.put(record(300 + n, 100_000))
    used = sum(path.stat().st_blocks * 512 for path in (tmp_path / "spool").iterdir())
    assert used <= 4_000_000
    assert len(everything(tmp_path)) + outbox.dropped()["full"] == 121
    outbox.close()


@pytest.mark.parametrize("mapped", [True, False], ids=["mmap", "write"])
def test_bounds_are_kept_and_the_newest_dropped_and_counted(tmp_path: Path, *, mapped: bool) -> None:
    from trailmark._disk import DiskOutbox

    outbox = DiskOutbox(tmp_path, "", 20_000_000, "off", mapped=mapped)
    for n in range(40_000):
        outbox.put(record(n, 1000))
    kept = [json.loads(data)["id"] for data in everything(tmp_path)]
    dropped = outbox.dropped()["full"]
    assert dropped > 0
    assert len(kept) + dropped == 40_000
    assert max(map(int, kept)) == len(kept) - 1
    assert outbox.recorded() == 40_000
    used = sum(path.stat().st_blocks * 512 for path in (tmp_path / "spool").iterdir())
    assert used <= 20_000_000
    outbox.close()
