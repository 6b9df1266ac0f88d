"""The requests that every contender gets: the documentation's own full user, and an event that changes it.

The user is the documented GET answer without its results. An event changes a level three objects deep, a list and
a scalar, so that it really merges.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mockserver.contract.source import data_root, read_json

STORED = "u0"  # the user that is read and changed
KEY = "bench"
_RESULTS = ("executedRules", "hitRules", "riskScoreDetails", "message")
HOLE = "@id@"


@dataclass(frozen=True)
class Operation:
    """One kind of request.

    Each has an id of its own, put between the two halves of `body`, or behind `path` where there is no body. Ids
    count up without end, or go round among `spread` of them in a scattered order; a GET with neither has its path.
    """

    name: str
    title: str
    method: str
    path: str
    body: tuple[str, str] = ("", "")
    spread: int = 0


def compact(value: Any) -> str:
    """JSON as a client's library sends it when it wastes nothing."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def halves(body: Any) -> tuple[str, str]:
    """The body as JSON, cut where HOLE stands."""
    head, _, tail = compact(body).partition(HOLE)
    return head, tail


def full_user(user_id: str) -> dict[str, Any]:
    """The documented consumer user, every property that the page shows."""
    example = read_json(data_root() / "fixtures" / "documented" / "consumer_user_get.response.json")
    return {name: value for name, value in example.items() if name not in _RESULTS} | {"userId": user_id}


def event(user_id: str) -> dict[str, Any]:
    """An event that merges into the full user."""
    return {
        "timestamp": 1641654664000,
        "userId": user_id,
        "reason": "the customer moved",
        "updatedConsumerUserAttributes": {
            "userDetails": {"name": {"firstName": "Baran", "middleName": "Byron"}, "countryOfResidence": "GB"},
            "employmentStatus": "EMPLOYED",
            "tags": [{"key": "segment", "value": "moved"}],
        },
    }


def operations(users: int = 1) -> tuple[Operation, ...]:
    """POST of a new full user, GET of a stored one and an event for a stored one, which are `u0` to `u<users - 1>`."""
    return (
        Operation("post", "POST full user", "POST", "/consumer/users", halves(full_user(HOLE))),
        Operation("get", "GET full user", "GET", "/consumer/users/", spread=users),
        Operation("event", "event merged", "POST", "/events/consumer/user", halves(event(HOLE)), spread=users),
    )
