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
KINDS = ("consumer", "business")
# What a user needs beside its id, where a test does not care.
_LEAST: Mapping[str, Mapping[str, Any]] = {
    "consumer": {"createdTimestamp": CREATED},
    "business": {
        "createdTimestamp": CREATED,
        "legalEntity": {"companyGeneralDetails": {"legalName": "Example Ltd"}},
    },
}


class Stored(dict[str, Any]):
    """The body of a stored user or event, with what the sandbox knows of it: the `outcome` that was decided, None
    where the setting decides; which risk levels are `locked` (`cra`, `kyc`); how many `events` were applied.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        super().__init__(record["body"])
        self.outcome: str | None = record["outcome"]
        self.locked: Mapping[str, bool] = record["locked"]
        self.events: int = record["events"]


class World:
    """Users and events of one world."""

    def __init__(self, admin: AdminClient, name: str) -> None:
        self._admin, self._name = admin, name
        self._made = 0

    def add(self, kind: str, fields: Mapping[str, Any]) -> Stored:
        """Store a user of the kind; what it needs and is not given is made up."""
        body = {wire_name(name): value for name, value in fields.items()}
        if "userId" not in body:
            self._made += 1
            body = {"userId": f"{kind}-{self._made}", **body}
        body = {**{name: value for name, value in _LEAST[kind].items() if name not in body}, **body}
        user_id = body["userId"]
        if not isinstance(user_id, str) or not user_id:
            raise FlagrightMockError(f"userId: must be a text of one character at least, was {user_id!r}")
        answer = self._admin.call("PUT", f"/state/users/{kind}/{quote(user_id, safe='')}", body, world=self._name)
        return Stored(answer)

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

    def event(self, event_id: str, kind: str | None) -> Stored:
        """A stored event of the kind, or of either; LookupError where there is none, or one of each."""
        kinds = KINDS if kind is None else (kind,)
        found = [event for each in kinds if (event := self._find("events", each, event_id)) is not None]
        if len(found) > 1:
            raise LookupError(f"there are a consumer's and a business's event {event_id!r}: say which by type=")
        if not found:
            raise LookupError(self._absent("events", kinds, "event", event_id))
        return found[0]

    def _find(self, what: str, kind: str, key: str) -> Stored | None:
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
