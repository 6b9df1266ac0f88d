"""The sandbox with its defaults and a number of full users in its world: `python -m benchmarks.filled PORT USERS`.

The users are `u0`, `u1` and so on, put into the store as a POST would leave them; posting a million would take minutes.
"""

from __future__ import annotations

import sys

from benchmarks.bodies import HOLE, full_user
from mockserver.config import Settings
from mockserver.contract import Contract
from mockserver.server import Server
from mockserver.web.app import create_app
from mockserver.web.factory import assembled
from mockserver.web.log import RequestLog
from mockserver.world.outcomes import levels
from mockserver.world.records import Facts, encode_record, user_key
from mockserver.world.tenancy import DEFAULT


def main(port: int, users: int) -> None:
    """Fill and serve."""
    settings = Settings(port=port)
    engine = assembled(settings, Contract())
    body = full_user(HOLE)
    head, _, tail = encode_record(Facts(levels(body, settings.outcome)), body).partition(HOLE.encode())
    for first in range(0, users, 1000):
        own = range(first, min(users, first + 1000))
        made = {user_key("consumer", f"u{number}"): b"%bu%d%b" % (head, number, tail) for number in own}
        engine.store.update(DEFAULT, (), lambda _, made=made: (made, None))  # type: ignore[misc]  # made is bound
    app = create_app(engine, RequestLog(settings.log_format), settings)
    Server(app, settings.host, settings.port, settings.max_body_bytes).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
