"""Fetch Swagger UI anew from npm and verify it against the pins: `python -m tests.web.docs_assets [VERSION]`.

Called by `make docs-assets`. With a VERSION the pins move to it; look at the page in a browser afterwards. npm packs
the archive from the registry that it is set up for, runs no script of it and installs nothing that it depends on.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from mockserver.web.docs import ASSETS

PINS = ASSETS / "swagger-ui.json"
# What the page loads is kept compressed, as it goes over the wire; licences stay readable.
TAKEN = ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt")


def kept_file(name: str) -> Path:
    """Where a file of the archive lies here."""
    if name in ("LICENSE", "NOTICE"):
        return ASSETS / f"swagger-ui.{name}"
    return ASSETS / (name if name.endswith(".txt") else f"{name}.gz")


def kept_content(name: str) -> bytes:
    """A file of the archive, as upstream has it."""
    raw = kept_file(name).read_bytes()
    return gzip.decompress(raw) if kept_file(name).suffix == ".gz" else raw


def fetched(version: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The pins that a version has, and the files that we take of it."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["npm", "pack", "--silent", "--ignore-scripts", f"swagger-ui-dist@{version}"]
        subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        [path] = Path(folder).glob("*.tgz")
        archive = path.read_bytes()
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for name in TAKEN:
            member = tar.extractfile(f"package/{name}")
            assert member is not None, f"swagger-ui-dist {version} has no {name}"
            files[name] = member.read()
    pins = {
        "package": "swagger-ui-dist",
        "version": version,
        "licence": "Apache-2.0",
        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode(),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    return pins, files


def main(words: list[str]) -> None:
    """Verify the pinned version, or pin another one."""
    pinned = json.loads(PINS.read_text()) if PINS.exists() else {}
    version = words[0] if words else pinned["version"]
    pins, files = fetched(version)
    if version == pinned.get("version") and pins != pinned:
        sys.exit(f"swagger-ui-dist {version} from npm is not what is pinned:\n{json.dumps(pins, indent=2)}")
    for name, content in files.items():
        path = kept_file(name)
        if not path.exists() or kept_content(name) != content:  # another zlib packs the same content otherwise
            path.write_bytes(gzip.compress(content, 9, mtime=0) if path.suffix == ".gz" else content)
    PINS.write_text(json.dumps(pins, indent=2) + "\n")
    sys.stdout.write(f"swagger-ui-dist {version}: verified, {len(files)} files\n")


if __name__ == "__main__":
    main(sys.argv[1:])
