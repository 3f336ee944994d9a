"""What a type checker of a user sees: a decorated function keeps its type."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar, overload
import trailmark
from trailmark.concurrent import ThreadPoolExecutor

@trailmark.track
def plain(a: int, *, b: str = "") -> list[str]: return [b] * a

@trailmark.track(name="n", tags=["t"], aggregate=lambda items: items)
async def awaited(a: int) -> bytes: return b""

@trailmark.track
def many(a: int) -> Iterator[float]: yield a

@trailmark.track(type="tool")
async def streamed() -> AsyncIterator[complex]: yield 1j

class C:
    @trailmark.track
    def method(self, a: int) -> str: return ""
    @classmethod
    @trailmark.track
    def made(cls) -> "C": return cls()
    @staticmethod
    @trailmark.track
    def still(a: int) -> int: return a

T = TypeVar("T")

@trailmark.track
def same(value: T) -> T: return value

@trailmark.track
def spoken(a: int) -> Generator[int, str, bytes]:
    yield a
    return b""

@overload
def either(a: int) -> int: ...
@overload
def either(a: str) -> str: ...
@trailmark.track
def either(a: int | str) -> int | str: return a

class Box(Generic[T]):
    def __init__(self, held: T) -> None: self.held = held
    @trailmark.track
    def given(self) -> T: return self.held
    @property
    @trailmark.track
    def shown(self) -> str: return ""
    @trailmark.track
    @classmethod
    def known(cls) -> int: return 1

@contextmanager
@trailmark.track
def opened() -> Iterator[bytes]: yield b""

reveal_type(same(1))  # int
reveal_type(spoken(1))  # Generator[int, str, bytes]
reveal_type(either(1))  # int
reveal_type(either("a"))  # str
reveal_type(Box(1.5).given())  # float
reveal_type(Box(1).shown)  # str
reveal_type(Box.known())  # int
with opened() as data:
    reveal_type(data)  # bytes
reveal_type(plain(1, b="x"))  # list[str]
reveal_type(awaited(1))  # Coroutine[Any, Any, bytes]
reveal_type(many(1))  # Iterator[float]
reveal_type(streamed())  # AsyncIterator[complex]
reveal_type(C().method(1))  # str
reveal_type(C.made())  # C
reveal_type(C.still(1))  # int
reveal_type(ThreadPoolExecutor().submit(plain, 1).result())  # list[str]
reveal_type(trailmark.context.copy_to_thread(plain)(1))  # list[str]
reveal_type(trailmark.Client().search_traces()[0].total_cost)  # float | None
with trailmark.span("s") as span:
    reveal_type(span.id)  # str | None
plain("1")  # error: arg-type
plain()  # error: call-arg
C().method(a=1, b=2)  # error: call-arg
trailmark.set_tracing_active("no")  # error: arg-type
"""


def test_mypy_sees_the_types_of_the_bare_functions(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", str(tmp_path), str(program)]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path).stdout
    found = {int(line): text for line, text in re.findall(r"program\.py:(\d+): \w+: (.*)", told)}
    wanted = 0
    for number, line in enumerate(PROGRAM.splitlines(), 1):
        comment = line.partition("  # ")[2]
        if "reveal_type" in line:
            wanted += 1
            shown = re.sub(r"\b(builtins|typing|collections\.abc|program)\.", "", found[number])
            assert f'Revealed type is "{comment}"' in shown, (line, found[number])
        elif comment.startswith("error: "):
            wanted += 1
            assert f"[{comment[7:]}]" in found[number], told
    assert len(found) == wanted, told
