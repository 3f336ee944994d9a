"""The rules of ARCHITECTURE.md that a program can check."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted((ROOT / "packages").iterdir())
CORE = ROOT / "packages/core/src/trailmark"

PUBLIC = {
    "trailmark": (
        "track trace span context update_current_trace update_current_span configure flush set_tracing_active "
        "is_tracing_active stats Client FlushResult TrailmarkError"
    ),
    "trailmark.context": (
        "update_current_trace update_current_span get_current_trace get_current_span "
        "copy_to_thread attach distributed_headers get_trace_url"
    ),
    "trailmark_openai": "track_openai untrack_openai instrument",
    "trailmark_langchain": "TrailmarkTracer instrument",
    "trailmark_llama_index": "instrument",
    "trailmark_fastapi": "TrailmarkMiddleware instrument",
    "trailmark_httpx": "track_httpx untrack_httpx instrument",
}


def imports(path: Path) -> set[str]:
    """Modules a file imports when it runs; those for type checkers alone are left out."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def sources(package: Path) -> list[Path]:
    return sorted((package / "src").rglob("*.py"))


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_these(module: str) -> None:
    assert set(importlib.import_module(module).__all__) == set(PUBLIC[module].split())


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_has_one_version_its_types_and_a_readme(package: Path) -> None:
    def version(path: Path) -> str:
        return str(tomllib.loads((path / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])

    assert version(package) == version(ROOT / "packages/core")
    assert list((package / "src").glob("*/py.typed"))
    assert (package / "README.md").is_file()
    assert list((package / "tests").rglob("test_*.py"))


def test_the_core_imports_only_its_two_dependencies() -> None:
    allowed = {*sys.stdlib_module_names, "trailmark", "orjson"}
    for path in sources(ROOT / "packages/core"):
        extra = (
            {"httpx2"}
            if "exporters" in path.parts or path.name == "_lookup.py"
            else {"pytest"}
            if path.name == "plugin.py"
            else set()
        )
        unknown = {name for name in imports(path) if name.split(".")[0] not in allowed | extra}
        assert not unknown, f"{path.relative_to(ROOT)} imports {unknown}"


@pytest.mark.parametrize("package", [p for p in PACKAGES if p.name != "core"], ids=lambda path: path.name)
def test_a_package_uses_only_public_modules_of_the_core(package: Path) -> None:
    for path in sources(package):
        private = {n for n in imports(path) if n.startswith("trailmark.") and any(p[0] == "_" for p in n.split("."))}
        assert not private, f"{path.relative_to(ROOT)} imports {private}"


def test_only_the_store_knows_sql() -> None:
    for path in sources(ROOT / "packages/server"):
        if "store" not in path.parts:
            assert "sqlite3" not in imports(path), path
            assert not re.search(r"\._db\b|\.execute\(", path.read_text(encoding="utf-8")), path


def test_the_server_speaks_to_the_store_by_its_protocol_alone() -> None:
    """What it may import are the names of the package: no module behind them, so that another back end can be there."""
    names = {f"trailmark_server.store.{name}" for name in importlib.import_module("trailmark_server.store").__all__}
    for path in sources(ROOT / "packages/server"):
        if "store" not in path.parts:
            behind = {name for name in imports(path) if name.startswith("trailmark_server.store.")} - names
            assert not behind, f"{path.relative_to(ROOT)} imports {behind}"


def test_the_protocol_of_the_store_needs_no_back_end() -> None:
    store = ROOT / "packages/server/src/trailmark_server/store"
    plain = {"protocol", "questions", "errors", "clean", "upkeep"}
    for path in (store / f"{name}.py" for name in plain):
        known = {name.split(".")[2] for name in imports(path) if name.startswith("trailmark_server.store.")}
        assert known <= plain, f"{path.name} imports {known - plain}"


def test_only_the_settings_read_the_environment() -> None:
    for path in sources(ROOT / "packages/core"):
        if path.name != "_settings.py":
            assert not re.search(r"os\.(environ|getenv)", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_modules_stay_small(package: Path) -> None:
    for path in sources(package):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines: split it"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_functions_stay_small(package: Path) -> None:
    for path in sources(package):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or 0) - node.lineno + 1
                assert lines <= 60, f"{path.relative_to(ROOT)}: {node.name} has {lines} lines: split it"


def test_importing_starts_nothing() -> None:
    program = """
import os, signal, sys, threading
handlers = [signal.getsignal(n) for n in signal.valid_signals()]
files = len(os.listdir("/proc/self/fd"))
import trailmark
@trailmark.track
def f(): pass
assert threading.active_count() == 1
assert len(os.listdir("/proc/self/fd")) == files
assert handlers == [signal.getsignal(n) for n in signal.valid_signals()]
heavy = {"httpx2", "ssl", "asyncio", "socket", "email", "http", "logging"} & set(sys.modules)
print(sorted(heavy))
"""
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
