"""The pytest fixture `trail`. Imports the kit only when a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trailmark.testing import Trail

__all__ = ["trail"]


@pytest.fixture
def trail() -> Iterator[Trail]:
    """What the test records, in memory, with fixed ids and clock; trailmark's own faults raise."""
    from trailmark.testing import record_trail

    with record_trail() as recorded:
        yield recorded
