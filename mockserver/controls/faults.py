"""Faults: rules of the test author that answer, delay or cut a request. The first that matches and fires wins.

    match    operation, method, path (a glob), userId (of a transaction either user), transactionId,
             header ({name: value}); nothing matches everything
    effect   status (with retryAfter, message), delay {type: fixed | uniform | lognormal}, wire, rateLimit
    phase    before (the request is not looked at) or after (the change is committed, the answer is not given)
    when     skip the first n matches, fire `times` times, with `probability`, until `ttlMs` are over

Counting is an update of the store, so that it is exact under concurrency. A rule that matches and does not fire
is passed over, and the next one is looked at.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from mockserver.clock import chance
from mockserver.contract.operations import Operation
from mockserver.world.store import CONTROL, Found, Store, Writes

WIRE = ("EMPTY_RESPONSE", "CONNECTION_RESET_BY_PEER", "MALFORMED_RESPONSE_CHUNK", "RANDOM_DATA_THEN_CLOSE")
_LONGEST_DELAY = 600_000.0  # milliseconds


@dataclass(frozen=True)
class Fault:
    """One rule, as it was written (`raw`) and as it is used."""

    id: str
    operation: str | None
    method: str | None
    path: str | None
    user_id: str | None
    transaction_id: str | None
    headers: Mapping[str, str]
    phase: str
    status: int | None
    retry_after: float | None
    message: str | None
    delay: Mapping[str, Any] | None
    wire: str | None
    rate_limit: Mapping[str, Any] | None
    skip: int
    times: int | None
    probability: float
    expires: int | None  # epoch milliseconds of the world's clock
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def hits_key(self) -> str:
        """The store's key of how often it matched, fired, and began its window."""
        return f"{CONTROL}hits/{self.id}"


@dataclass(frozen=True)
class About:
    """Whom a request is about: a user, the users of a transaction, a transaction."""

    users: tuple[str, ...] = ()
    transaction: str | None = None


NOBODY = About()


@dataclass(frozen=True)
class Subject:
    """What of a request a rule may look at."""

    operation: str
    method: str
    path: str  # decoded, without the query
    ids: About
    headers: Mapping[str, str]  # names in lower case


@dataclass(frozen=True)
class Fired:
    """A fault that fires for a request. `status` is None where it only delays or cuts."""

    fault: Fault
    status: int | None
    retry_after: float | None
    delay_ms: float
    wire: str | None

    @property
    def message(self) -> str:
        """What the error body says."""
        does = f"answers {self.status}" if self.status else f"ends the connection ({self.wire})"
        return self.fault.message or f"Fault {self.fault.id} of the test author {does}"


def read_fault(entry: Mapping[str, Any]) -> Fault:
    """A rule from the control document, where it was checked when it was written."""
    match, effect = entry.get("match", {}), entry["effect"]
    return Fault(
        id=entry["id"],
        operation=match.get("operation"),
        method=match.get("method"),
        path=match.get("path"),
        user_id=match.get("userId"),
        transaction_id=match.get("transactionId"),
        headers={name.lower(): value for name, value in match.get("header", {}).items()},
        phase=entry.get("phase", "before"),
        status=effect.get("status"),
        retry_after=effect.get("retryAfter"),
        message=effect.get("message"),
        delay=effect.get("delay"),
        wire=effect.get("wire"),
        rate_limit=effect.get("rateLimit"),
        skip=entry.get("skip", 0),
        times=entry.get("times"),
        probability=entry.get("probability", 1.0),
        expires=entry.get("expires"),
        raw=entry,
    )


def matches(fault: Fault, subject: Subject) -> bool:
    """Whether the rule speaks of this request."""
    return (
        fault.operation in (None, subject.operation)
        and fault.method in (None, subject.method)
        and (fault.path is None or fnmatchcase(subject.path, fault.path))
        and (fault.user_id is None or fault.user_id in subject.ids.users)
        and fault.transaction_id in (None, subject.ids.transaction)
        and all(subject.headers.get(name) == value for name, value in fault.headers.items())
    )


def fire(store: Store, world: str, fault: Fault, *, seed: int, now: int) -> Fired | None:
    """Count a match of the rule and say whether it fires. `now` is the world's time in epoch milliseconds."""
    if fault.expires is not None and now >= fault.expires:
        return None

    def count(found: Found) -> tuple[Writes, tuple[int, bool, int]]:
        matched, fired, began, counted = _hits(found[fault.hits_key])
        matched += 1
        fires = matched > fault.skip and (fault.times is None or fired < fault.times)
        fires = fires and (fault.probability >= 1 or chance(seed, f"fault {fault.id}", matched) < fault.probability)
        left = 0
        if fires and fault.rate_limit:
            window = int(fault.rate_limit["windowMs"])
            if began < 0 or now - began >= window:
                began, counted = now, 0  # a new window: its requests are counted anew
            counted += 1
            fires = counted > int(fault.rate_limit["requests"])
            left = began + window - now
        fired += fires
        return {fault.hits_key: f"{matched} {fired} {began} {counted}".encode()}, (matched, fires, left)

    matched, fires, left = store.update(world, (fault.hits_key,), count)
    if not fires:
        return None
    status, retry_after = fault.status, fault.retry_after
    if fault.rate_limit:
        status, retry_after = status or 429, retry_after if retry_after is not None else math.ceil(left / 1000)
    if status in (429, 503) and retry_after is None:
        retry_after = 1
    return Fired(fault, status, retry_after, _delay(fault, seed, matched), fault.wire)


def hits(stored: bytes | None) -> dict[str, int]:
    """How often a rule matched and fired, from what the store holds."""
    matched, fired, *_ = _hits(stored)
    return {"matched": matched, "fired": fired}


def _hits(stored: bytes | None) -> tuple[int, int, int, int]:
    """How often it matched and fired, when its window began (-1: never), and how many requests are in it."""
    matched, fired, began, counted = (stored or b"0 0 -1 0").split()
    return int(matched), int(fired), int(began), int(counted)


def _delay(fault: Fault, seed: int, number: int) -> float:
    """The milliseconds of a rule's delay for its n-th match."""
    delay = fault.delay
    if not delay:
        return 0.0
    if delay["type"] == "fixed":
        return float(delay["milliseconds"])
    at = chance(seed, f"delay {fault.id}", number)
    if delay["type"] == "uniform":
        lower, upper = float(delay["lower"]), float(delay["upper"])
        return lower + (upper - lower) * at
    from statistics import NormalDist  # slow to import, and seldom needed

    bell = NormalDist().inv_cdf(min(max(at, 1e-9), 1 - 1e-9))
    return min(float(delay["median"]) * math.exp(float(delay["sigma"]) * bell), _LONGEST_DELAY)


def about(operation: Operation, path_id: str, body: bytes) -> About:
    """Whom a request is about, for matching: by its path, else by a body that can be read. A batch is about nobody."""
    entity = operation.entity
    if operation.listed:
        return NOBODY
    if path_id:
        named: Mapping[str, Any] = {operation.id_property: path_id}
    else:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return NOBODY
        named = value if isinstance(value, dict) else {}
    users = [text for name in entity.parties or ("userId",) if (text := _text(named.get(name))) is not None]
    return About(tuple(users), _text(named.get(entity.id)) if entity.parties else None)


def _text(value: Any) -> str | None:
    """The value where it is a text; half a surrogate pair is none."""
    try:
        return value.encode().decode() if isinstance(value, str) else None
    except ValueError:
        return None
