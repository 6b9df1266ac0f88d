"""The tags under which the store counts a world's requests: what stays known of each when the journal's ring has
dropped its entry. Operations, statuses, marks and outcomes are bounded sets, and so are the tags; nothing that a
client names stands in one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

# How a request counts in the verdict.
CLEAN = "-"
VIOLATION = "violation"  # refused by the contract
WARNING = "warning"  # accepted, and it looks wrong
UNMATCHED = "unmatched"  # no operation that is built takes it
MISTAKES = (VIOLATION, WARNING, UNMATCHED)


class Tag(NamedTuple):
    """What a tag tells of the requests under it."""

    operation: str  # its id, or `unmatched`
    status: int
    mark: str  # CLEAN or one of MISTAKES
    outcome: str  # that the answers carried; empty where they carried none


def make_tag(operation: str, status: int, mark: str, outcome: str) -> str:
    """The tag as the store keeps it; called for each request."""
    # The outcome goes last: it may be a name of the user's own, with spaces in it.
    return f"{operation} {status} {mark} {outcome}"


@lru_cache(maxsize=4096)
def read_tag(tag: str) -> Tag:
    """What `make_tag` was given."""
    operation, status, mark, outcome = tag.split(" ", 3)
    return Tag(operation, int(status), mark, outcome)
