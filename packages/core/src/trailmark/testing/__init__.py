"""Record a program's trail in memory, with fixed ids and clock, and read it as a tree."""

from trailmark.testing.trail import Trail, record_trail

__all__ = ["Trail", "record_trail"]
