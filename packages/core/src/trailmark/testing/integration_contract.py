"""What every integration must keep, as tests to inherit: a class of yours that says how its library is called.

class TestContract(IntegrationContract):
    instrument = staticmethod(trailmark_x.instrument)

    def call(self): return Client(fake.url).ask("Hi")
    def fail(self): Client(fake.url).ask("", model="none")
    def hooked(self): return [Client.ask]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from trailmark._blocks import span
from trailmark._context import current
from trailmark._process import set_tracing_active
from trailmark.testing.trail import Trail, record_trail

__all__ = ["IntegrationContract"]


class IntegrationContract:
    """Runs under pytest with the fixture `trail`. Give `instrument`, `call`, `fail` and `hooked`."""

    def instrument(self) -> Callable[[], None]:
        """The integration's own: process-wide, returns its undo."""
        raise NotImplementedError

    def call(self) -> Any:
        """One call of the library that succeeds, made anew with each call of this; what it answers can be compared."""
        raise NotImplementedError

    def fail(self) -> None:
        """One call of the library that raises an exception of the library's."""
        raise NotImplementedError

    def hooked(self) -> Sequence[object]:
        """What the integration replaces or adds to while it is instrumented, looked up anew."""
        raise NotImplementedError

    def test_a_call_is_recorded_whole_and_answers_as_before(self, trail: Trail) -> None:
        bare = self.call()
        assert trail.spans == []
        undo = self.instrument()
        try:
            traced = self.call()
        finally:
            undo()
        assert type(traced) is type(bare)
        assert traced == bare
        assert trail.spans, "nothing was recorded"
        assert {one["status"] for one in trail.spans} == {"ok"}
        assert all(one["end_us"] is not None for one in trail.spans)

    def test_it_nests_in_the_span_it_is_called_in(self, trail: Trail) -> None:
        undo = self.instrument()
        try:
            with span("outer") as outer:
                self.call()
                assert getattr(current(), "id", None) == outer.id, "the call left the context changed"
        finally:
            undo()
        [root] = [one for one in trail.spans if one["parent_id"] is None]
        assert root["name"] == "outer"
        assert len({one["trace_id"] for one in trail.spans}) == 1
        assert current() is None

    def test_instrumenting_twice_records_once_and_the_undo_leaves_nothing(self, trail: Trail) -> None:
        before = list(self.hooked())
        first = self.instrument()
        self.call()
        once = trail.tree()
        trail.raw.clear()
        second = self.instrument()
        self.call()
        assert trail.tree() == once
        second()
        first()
        first()
        trail.raw.clear()
        self.call()
        assert trail.spans == []
        assert all(now is then for now, then in zip(self.hooked(), before, strict=True)), "something stayed replaced"

    def test_an_exception_of_the_library_arrives_as_it_was(self, trail: Trail) -> None:
        bare = _raised(self.fail)
        undo = self.instrument()
        try:
            traced = _raised(self.fail)
        finally:
            undo()
        assert type(traced) is type(bare)
        assert str(traced) == str(bare)
        assert traced.__cause__ is None or type(traced.__cause__) is type(bare.__cause__)
        assert "error" in {one["status"] for one in trail.spans}
        assert current() is None

    def test_what_goes_in_and_out_is_left_to_the_capture_settings(self) -> None:
        undo = self.instrument()
        try:
            with record_trail() as whole:
                self.call()
            with record_trail(capture_input=False, capture_output=False) as bare:
                self.call()
        finally:
            undo()
        assert bare.tree() == whole.tree()
        assert {"input", "output"} <= {key for one in whole.spans for key in one}, "nothing was recorded to leave out"
        assert all({"input", "output"}.isdisjoint(one) for one in bare.records), "it was recorded all the same"

    def test_nothing_is_recorded_while_tracing_is_off(self, trail: Trail) -> None:
        undo = self.instrument()
        set_tracing_active(False)
        try:
            self.call()
        finally:
            set_tracing_active(True)
            undo()
        assert trail.raw == []


def _raised(act: Callable[[], None]) -> BaseException:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - compared by the caller
        return error
    raise AssertionError("`fail` is to raise an exception, it returned")
