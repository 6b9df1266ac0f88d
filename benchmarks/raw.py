"""The limit: a WSGI application that reads the body and gives fixed bytes, on the sandbox's own server.

`python -m benchmarks.raw PORT`. It gives the bytes of the documented answers, so that sizes are like ours; what it
does not do (routes, keys, JSON, checks, state, journal, log) is what the sandbox costs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.bodies import compact
from mockserver.contract.source import data_root, read_json
from mockserver.server import Server


def application() -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """The application; its answers are made once."""
    folder = data_root() / "fixtures" / "documented"
    event = compact(read_json(folder / "consumer_user_event_create.response.json")).encode()
    user = compact(read_json(folder / "consumer_user_get.response.json")).encode()
    created = compact(read_json(folder / "business_user_create.response.json")).encode()

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"].read()
        path = environ["PATH_INFO"]
        posted = environ["REQUEST_METHOD"] == "POST"
        body = (event if path.startswith("/events") else created) if posted else user
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("201 CREATED" if posted else "200 OK", headers)
        return [body]

    return answer


if __name__ == "__main__":
    Server(application(), "127.0.0.1", int(sys.argv[1]), 10 * 1024 * 1024).run()
