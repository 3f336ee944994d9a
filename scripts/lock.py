"""Resolve `constraints.txt` anew: everything the packages and their tests need, pinned, without index addresses."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HEAD = "# Written by `make lock`: what development and CI install. Users of the packages are not bound by it.\n"


def main(packages: list[str]) -> None:
    """Install without constraints into an empty environment, and write down what came."""
    editable = [option for package in packages for option in ("-e", f"packages/{package}")]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "-r", "requirements-dev.txt", *editable], check=True)
        frozen = subprocess.run([*pip, "freeze", "--exclude-editable"], check=True, capture_output=True, text=True)
    pins = [line for line in frozen.stdout.splitlines() if "==" in line]
    Path("constraints.txt").write_text(HEAD + "\n".join(pins) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
