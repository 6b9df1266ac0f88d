"""docs/sdks.md: its Python and Node run, and what it says of each SDK on 429 is what the SDK does."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from flagright import Flagright
from flagright.errors import TooManyRequestsError

from mockserver.server import Server
from tests.harness import ROOT, Api, over_http

PAGE = (ROOT / "docs" / "sdks.md").read_text()
NODE = Path(__file__).parent / "node"
QUIET = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def shown(language: str, server: Server) -> str:
    """The page's code in a language, pointed at this server."""
    [code] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return code.replace("http://127.0.0.1:4080", server.url)


def ran(*words: str, cwd: Path) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(words, cwd=cwd, env=QUIET, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_pages_python_runs(server: Server, tmp_path: Path) -> None:
    """The page's Python, pasted, creates a user and reads it back."""
    assert ran(sys.executable, "-c", shown("python", server), cwd=tmp_path) == "ada-py\n"


def test_the_pages_node_runs(server: Server, installed: Path) -> None:
    """The page's JavaScript, pasted, creates a user and reads it back."""
    (installed / "page.mjs").write_text(shown("js", server))
    assert ran("node", "page.mjs", cwd=installed) == "ada-js\n"


@pytest.mark.parametrize(("most", "refusals", "sent"), [(None, 1, 1), (2, 1, 1), (3, 1, 2), (3, 2, 2), (4, 2, 3)])
def test_the_python_sdk_on_429(server: Server, key: str, most: int | None, refusals: int, sent: int) -> None:
    """The Python SDK does not retry up to max_retries 2; from there on once for each, after Retry-After."""
    admin = Api(over_http(server.url))
    world = f"world={key.removeprefix('world-')}"
    rule = {"times": refusals, "effect": {"status": 429, "retryAfter": 0}}
    admin.post(f"/__admin/faults?{world}", rule)
    options: Any = None if most is None else {"max_retries": most}
    with httpx.Client(trust_env=False) as wire:
        client = Flagright(base_url=server.url, api_key=key, httpx_client=wire)
        refused = sent <= refusals
        with pytest.raises(TooManyRequestsError) if refused else contextlib.nullcontext():
            client.consumer_users.create(user_id="u", created_timestamp=1641654664000, request_options=options)
    assert admin.post(f"/__admin/requests/count?{world}", {"method": "POST"}).body["count"] == sent


def test_the_npm_sdk_on_429(server: Server, key: str, installed: Path) -> None:
    """The npm SDK sends three times without a look at Retry-After, and once with maxRetries 0."""
    told = json.loads(
        ran("node", str(NODE / "limited.mjs"), server.url, key, key.removeprefix("world-"), cwd=installed)
    )
    first, second = told["default"].pop("waits")
    assert told == {
        "default": {"outcome": "answered", "sent": 3},
        "none": {"outcome": "refused", "sent": 1, "waits": []},
    }
    assert 800 <= first <= 1200
    assert 1600 <= second <= 2400
