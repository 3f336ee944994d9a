"""`make demo`: run the examples, print what they recorded as trees, show it in the browser.

With a terminal the page stays up until Ctrl-C. Without one, or with CI=true, the exit code says whether every trace
arrived in the store.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
TRAILMARK = Path(sys.executable).with_name("trailmark")
WAIT_S = 30.0

# What the examples record: project, trace, spans and status.
EXPECTED = [
    ("Default Project", "openai.chat", 1, "ok"),
    ("Default Project", "my_llm_application", 4, "ok"),
    ("my_project", "other_project", 1, "ok"),
    ("Default Project", "my_short_running_task", 1, "ok"),
    ("Default Project", "private", 1, "ok"),
    ("Client demo", "my_trace", 2, "ok"),
    ("Default Project", "add_up", 2, "ok"),
    ("Default Project", "stream_answer", 2, "ok"),
    ("Default Project", "divide", 1, "error"),
]


def main() -> int:
    """Zero when every expected trace arrived."""
    home = Path(os.environ.get("TRAILMARK_HOME") or ROOT / ".demo")
    os.environ |= {"TRAILMARK_HOME": str(home), "TRAILMARK_QUIET": "true"}
    server = subprocess.Popen([TRAILMARK, "serve", "--home", home], stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        url = _address(home, server)
        started_us = time.time_ns() // 1000
        for example in ("tour.py", "flows.py"):
            print(f"$ python examples/{example}", flush=True)
            if subprocess.run([sys.executable, ROOT / "examples" / example], check=False).returncode:
                return _fail(f"examples/{example} failed")
        rows, missing = _arrived(url, started_us)
        subprocess.run([TRAILMARK, "show", "--home", home, *(row["id"] for row in rows)], check=True)
        if missing:
            return _fail(f"not in the store after {WAIT_S:.0f} s: {missing}")
        print(f"{len(rows)} traces, all in the store. Look at them: {url}")
        if sys.stdout.isatty() and os.environ.get("CI") != "true":
            print("The page stays up until Ctrl-C.")
            server.wait()
    except KeyboardInterrupt:
        print()
    finally:
        server.terminate()
        server.wait()
    return 0


def _fail(reason: str) -> int:
    print(f"demo: {reason}", file=sys.stderr)
    return 1


def _address(home: Path, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            told = json.loads((home / "server.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            told = {}
        if told.get("pid") == server.pid:
            return str(told["url"]).rstrip("/")
        time.sleep(0.05)
    raise SystemExit(f"demo: the server did not start (home {home}); is another one running on it?")


def _get(url: str) -> Any:
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def _arrived(url: str, started_us: int) -> tuple[list[dict[str, Any]], list[tuple[str, str, int, str]]]:
    """The traces since the start, oldest first, and what is still missing when time is up."""
    deadline = time.monotonic() + WAIT_S
    while True:
        rows = [row for row in _rows(url) if row["start_us"] >= started_us]
        found = [(row["project"], row["name"], row["spans"], row["status"]) for row in rows]
        missing = [expected for expected in EXPECTED if expected not in found]
        if not missing or time.monotonic() > deadline:
            return sorted(rows, key=lambda row: row["start_us"]), missing
        time.sleep(0.1)


def _rows(url: str) -> list[dict[str, Any]]:
    projects = [project["name"] for project in _get(f"{url}/api/v1/projects")]
    return [
        row
        for name in projects
        for row in _get(f"{url}/api/v1/projects/{quote(name, safe='')}/traces?limit=200")["rows"]
    ]


if __name__ == "__main__":
    sys.exit(main())
