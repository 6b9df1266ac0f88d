"""What a world holds, as a test puts it there and looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

from mockserver.client.admin import AdminClient, AdminError, FlagrightMockError
from mockserver.client.journal import wire_name

__tracebackhide__ = True

CREATED = 1767225600000  # 2026-01-01T00:00:00Z in milliseconds, where a test's clock begins
USERS = ("consumer", "business")
KINDS = (*USERS, "transaction")
# What a record needs beside its id, where a test does not care.
_LEAST: Mapping[str, Mapping[str, Any]] = {
    "consumer": {"createdTimestamp": CREATED},
    "business": {
        "createdTimestamp": CREATED,
        "legalEntity": {"companyGeneralDetails": {"legalName": "Example Ltd"}},
    },
    "transaction": {"type": "TRANSFER", "timestamp": CREATED},
}


class Stored(dict[str, Any]):
    """The body of a stored user, transaction or event, with what the sandbox knows of it: the `outcome` that was
    decided, None where the setting decides; which levels are `locked` (`cra`, `kyc`); how many `events` were applied.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        super().__init__(record["body"])
        self.outcome: str | None = record["outcome"]
        self.locked: Mapping[str, bool] = record["locked"]
        self.events: int = record["events"]


class World:
    """Users, transactions and events of one world."""

    def __init__(self, admin: AdminClient, name: str) -> None:
        self._admin, self._name = admin, name
        self._made = 0

    def add(self, kind: str, fields: Mapping[str, Any]) -> Stored:
        """Store a user or transaction of the kind; what it needs and is not given is made up.

        Raises FlagrightMockError for what the contract refuses, and for a name that looks like a misspelt one.
        """
        body = {wire_name(name): value for name, value in fields.items()}
        if len(body) < len(fields):
            twice = next(name for name in fields if wire_name(name) != name and wire_name(name) in fields)
            raise FlagrightMockError(f"{twice} and {wire_name(twice)} are the same: give one")
        what, id_name = ("users", "userId") if kind in USERS else ("transactions", "transactionId")
        if id_name not in body:
            self._made += 1
            body = {id_name: f"{kind}-{self._made}", **body}
        body = {**{name: value for name, value in _LEAST[kind].items() if name not in body}, **body}
        key = body[id_name]
        if not isinstance(key, str) or not key:
            raise FlagrightMockError(f"{id_name}: must be a text of one character at least, was {key!r}")
        path = f"/state/{what}/{kind}/{quote(key, safe='')}"
        # What a client misspells is a warning; what a test misspells would be missing where it is looked for.
        misspelt = (("misspelt", "refuse"),)
        return Stored(self._admin.call("PUT", path, body, world=self._name, query=misspelt))

    def generate(self, count: int, kind: str, seed: int | None) -> list[str]:
        """Store generated users; their ids."""
        body = {"count": count, "type": kind, **({} if seed is None else {"seed": seed})}
        return list(self._admin.call("POST", "/state/generate", body, world=self._name)["ids"])

    def user(self, kind: str, user_id: str) -> Stored:
        """A stored user; LookupError where there is none."""
        found = self._find("users", kind, user_id)
        if found is None:
            raise LookupError(self._absent("users", (kind,), f"{kind} user", user_id))
        return found

    def transaction(self, transaction_id: str) -> Stored:
        """A stored transaction; LookupError where there is none."""
        found = self._find("transactions", "transaction", transaction_id)
        if found is None:
            raise LookupError(self._absent("transactions", ("transaction",), "transaction", transaction_id))
        return found

    def event(self, event_id: str, kind: str | None) -> Stored:
        """A stored event of the kind, or of any; LookupError where there is none, or more than one."""
        kinds = KINDS if kind is None else (kind,)
        events = {each: self._find("events", each, event_id) for each in kinds}
        found = {each: event for each, event in events.items() if event is not None}
        if len(found) > 1:
            raise LookupError(f"there is an event {event_id!r} of a {' and a '.join(found)}: say which by type=")
        if not found:
            raise LookupError(self._absent("events", kinds, "event", event_id))
        return next(iter(found.values()))

    def _find(self, what: str, kind: str, key: object) -> Stored | None:
        if not isinstance(key, str) or not key:
            raise FlagrightMockError(f"an id must be a text of one character at least, was {key!r}")
        try:
            return Stored(self._admin.call("GET", f"/state/{what}/{kind}/{quote(key, safe='')}", world=self._name))
        except AdminError as error:
            if error.status == 404 and kind in KINDS:
                return None
            raise

    def _absent(self, what: str, kinds: tuple[str, ...], word: str, key: str) -> str:
        known: list[str] = []
        for kind in kinds:
            known += self._admin.call("GET", f"/state/{what}/{kind}", world=self._name)["ids"]
        near = get_close_matches(key[:80], known[:1000], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {len(known)}"
        return f"there is no {word} {key!r} in this world{hint}"
