"""cases.md and opik.md: every test they name is there, and opik.md has every route."""

from __future__ import annotations

import re
from pathlib import Path

from trailmark_server.api import create_app
from trailmark_server.api.opik import PRIVATE
from trailmark_server.store import open_store

from .test_access import routes_of

HERE = Path(__file__).parent
FOLDERS = (HERE, HERE.parents[2] / "tests" / "end_to_end")


def named_in(table: str) -> list[str]:
    return re.findall(r"`(test_\w+)`", "\n".join(rows_of(table)))


def rows_of(table: str) -> list[str]:
    return [line for line in (HERE / table).read_text(encoding="utf-8").splitlines() if line.startswith("| ")]


def all_tests() -> set[str]:
    sources = "".join(path.read_text(encoding="utf-8") for folder in FOLDERS for path in folder.glob("test_*.py"))
    return set(re.findall(r"^def (test_\w+)\(", sources, re.MULTILINE))


def test_every_test_of_the_tables_is_there() -> None:
    named = named_in("cases.md") + named_in("opik.md")

    assert len(named) > 80
    assert [name for name in named if name not in all_tests()] == []


def test_every_route_of_opiks_api_is_in_the_table_with_a_test(tmp_path: Path) -> None:
    app = create_app(open_store(tmp_path / "trailmark.db"), tmp_path)
    routes = {f"{method} {re.sub('{.*?}', '{id}', path.removeprefix(PRIVATE))}" for method, path in routes_of(app)
              if path.startswith(PRIVATE) or "is-alive" in path or "redirect" in path}  # fmt: skip
    app.state.stores.close()
    rows = rows_of("opik.md")[1:]

    assert all("`test_" in row for row in rows)
    assert set(re.findall(r"`([A-Z]+ /[^`]*)`", "".join(rows))) == routes - {"GET /is-alive/ping"}
