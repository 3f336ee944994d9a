"""One package's tests in an environment of its own: alone, with its oldest dependencies, or with given ones."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST_TOOLS = ("pytest", "hypothesis")
MORE_TOOLS: dict[str, tuple[str, ...]] = {
    "fastapi": ("uvicorn", "httptools", "websockets", "httpx", "httpx2"),
    "httpx": ("wsproto",),
    "llama-index": ("llama-index-llms-openai",),
    "openai": ("websockets", "numpy"),  # numpy: what openai 1 reads vectors with
}
# The oldest that run with the package's floors: pip would search for them for minutes.
OLDEST_TOOLS: dict[str, tuple[str, ...]] = {
    "langchain": (
        "langgraph==0.3.34",
        "langgraph-prebuilt==0.1.8",
        "langgraph-checkpoint==2.1.2",
        "langchain-openai==0.2.12",
        "openai==1.109.1",
        "numpy",
        "pandas",
        "orjson==3.10.1",  # langgraph-sdk's own floor
    )
}
BESIDE_OLDEST: dict[str, tuple[str, ...]] = {"langchain": ("openai",)}
BESIDE: dict[str, tuple[str, ...]] = {"llama-index": ("openai",)}  # packages of ours its tests use too


def _floors(package: Path) -> list[str]:
    """`name==floor` for every dependency, extras' too, that states one and is not our own."""
    found = []
    for requirement in _requirements(package):
        match = re.match(r"([A-Za-z0-9_.\-\[\]]+)>=([0-9.]+)", requirement)
        if match is None:
            sys.exit(f"{package.name}: {requirement!r} states no floor; write name>=version")
        if not match[1].startswith("trailmark"):
            found.append(f"{match[1]}=={match[2]}")
    return found


def _requirements(package: Path) -> list[str]:
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    return [*project["dependencies"], *(requirement for extra in extras for requirement in extra)]


def main() -> int:
    """The exit code of pytest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", choices=sorted(path.name for path in (ROOT / "packages").iterdir()))
    parser.add_argument("--oldest", action="store_true", help="with the floors of its dependencies")
    parser.add_argument("--with", dest="pins", nargs="*", default=[], help='with these versions, like "openai<3"')
    given = parser.parse_args()
    package = ROOT / "packages" / given.package
    ours = [ROOT / "packages" / "core"] + ([package] if given.package != "core" else [])
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        floors = [pin for path in ours for pin in _floors(path)] if given.oldest else given.pins
        beside, tools = BESIDE.get(given.package, ()), MORE_TOOLS.get(given.package, ())
        if given.oldest:
            beside += BESIDE_OLDEST.get(given.package, ())
            tools += OLDEST_TOOLS.get(given.package, ())
            named = {pin.partition("==")[0] for pin in tools}
            floors = [pin for pin in floors if pin.partition("==")[0] not in named]
        ours += [ROOT / "packages" / name for name in beside]
        subprocess.run([*pip, *TEST_TOOLS, *tools, *floors, *map(str, ours)], check=True)
        tests = [f"{folder}/bin/python", "-m", "pytest", str(package / "tests")]
        if floors:  # old libraries beside new ones warn
            tests += ["-W", "default"]
        return subprocess.run(tests, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
