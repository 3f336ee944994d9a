"""The page's types from the server's routes: OpenAPI in, `schema.d.ts` out, with the digest of what it was made of."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

from trailmark_server.api.schema import document

__all__ = ["SCHEMA", "digest", "main"]

UI = Path(__file__).resolve().parents[1] / "packages/server/ui"
SCHEMA = UI / "src/api/schema.d.ts"
# Not among the page's packages: it needs a TypeScript of its own, older than the page's.
MAKER = ["npx", "--yes", "--package=openapi-typescript@7.13.0", "--package=typescript@5.9.3", "openapi-typescript"]


def digest() -> str:
    """Of the OpenAPI document as it is now; a test compares it with the one in the file."""
    told = {key: value for key, value in document().items() if key != "info"}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "openapi.json"
        given.write_text(json.dumps(document()))
        subprocess.run([*MAKER, given, "--output", SCHEMA], cwd=UI, check=True)
    SCHEMA.write_text(f"// Made by `make ui-types` from OpenAPI {digest()}\n{SCHEMA.read_text()}")


if __name__ == "__main__":
    main()
