"""JSON as others write it."""

import json

import pytest
from trailmark import wire


@pytest.mark.parametrize("text", ['{"a": [1, 2.5, null]}', '"\\ud83d"', "[NaN, -Infinity]"])
def test_any_json_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert repr(wire.loads(text.encode())) == repr(json.loads(text))


def test_what_is_no_json_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        wire.loads(b"nothing")
