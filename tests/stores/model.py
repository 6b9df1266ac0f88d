"""A plain reference of what a world does with users, events and controls: dicts, no bytes, no store, no HTTP.

Written from the README's behaviour table, not from the code, and as simply as can be. A reply is a status and the
body, None where the reference does not know it.
"""

from __future__ import annotations

import json
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.harness import FIXTURES

Body = dict[str, Any]
Reply = tuple[int, Any]

OTHER = {"consumer": "business", "business": "consumer"}
LOCKS = {"lockCraRiskLevel": ("riskLevel", "cra"), "lockKycRiskLevel": ("kycRiskLevel", "kyc")}
OF_ONE_TYPE = {"consumer": "userDetails", "business": "legalEntity"}  # of the properties that the test uses
SCORES = json.loads((FIXTURES / "risk_scores.json").read_text())["scores"]


def results_of(outcome: str, levels: dict[str, str]) -> Body:
    """The results that an answer carries for an outcome, with the risk levels that a user brings."""
    shown = json.loads((FIXTURES / "outcomes" / f"{outcome}.json").read_text())["results"]
    shown.pop("message", None)
    for kind, level in levels.items():
        shown["riskScoreDetails"] |= {f"{kind}RiskLevel": level, f"{kind}RiskScore": SCORES[level]}
    return shown


@dataclass
class User:
    """A stored user: its body, what was decided at its last write, its locks, and how many events it had."""

    body: Body
    outcome: str
    levels: dict[str, str]
    locks: set[str] = field(default_factory=set)
    events: int = 0


@dataclass
class Sent:
    """A stored event: its body, what was decided, and the first answer's bytes, set by whoever sent it."""

    body: Body
    outcome: str
    levels: dict[str, str]
    answer: bytes = b""


@dataclass
class Contents:
    """What a snapshot keeps."""

    users: dict[tuple[str, str], User] = field(default_factory=dict)
    events: dict[tuple[str, str], Sent] = field(default_factory=dict)


class World:
    """The reference of one world; `start` is where its frozen clock begins, `settings` what the server was given."""

    def __init__(self, start: int, settings: Body) -> None:
        self.start, self.defaults = start, settings
        self.snapshots: dict[str, Contents] = {}
        self.reset()

    def reset(self) -> None:
        """All but the snapshots goes."""
        self.now_held = Contents()
        self.settings: Body = {}
        self.armed: list[Body] = []
        self.faults: list[Body] = []
        self.at, self.ticks, self.next = self.start, 0, 1
        self.clear_journal()

    def clear_journal(self) -> None:
        """The counts go; the clock does not know."""
        self.counts: Counter[tuple[str, int]] = Counter()

    @property
    def users(self) -> dict[tuple[str, str], User]:
        """The users by type and id."""
        return self.now_held.users

    @property
    def events(self) -> dict[tuple[str, str], Sent]:
        """The events by type and id."""
        return self.now_held.events

    @property
    def now(self) -> int:
        """The clock: it stands still but for a millisecond a request."""
        return self.at + self.ticks

    def setting(self, name: str) -> Any:
        """A setting of this world, else of the server."""
        return self.settings.get(name, self.defaults[name])

    def new_id(self, kind: str) -> str:
        """The next id of an armed outcome or a fault."""
        self.next += 1
        return f"{kind}-{self.next - 1}"

    # Requests: `call` is {operation, do, entity, method, path, id, body, query, outcome}.

    def request(self, call: Body) -> Reply:
        """A request, from the first fault to the journal."""
        status, body = self._fault(call, "before") or self._behave(call)
        if status < 400:
            late = self._fault(call, "after")
            status, body = late or (status, body)
        self.counts[call["operation"], status] += 1
        self.ticks += 1
        return status, body

    def _behave(self, call: Body) -> Reply:
        if call.get("broken"):
            return 400, None
        answer: Reply = getattr(self, call["do"].replace("-", "_"))(call)
        if self.setting("answers") == "example" and not call.get("replay"):
            success = 201 if call["method"] == "POST" else 200
            return (success, None) if answer[0] in (404, success) else answer
        return answer

    def _fault(self, call: Body, phase: str) -> Reply | None:
        for fault in self.faults:
            match, effect = fault.get("match", {}), fault["effect"]
            user_id = call["id"] if call["do"] == "get-record" else call.get("body", {}).get("userId")
            meant = match.get("operation") in (None, call["operation"]) and match.get("method") in (
                None,
                call["method"],
            )
            meant = meant and fnmatchcase(call["path"], match.get("path", "*"))
            meant = meant and match.get("userId") in (None, user_id) and fault.get("phase", "before") == phase
            if not meant or ("expires" in fault and self.now >= fault["expires"]):
                continue
            fault["matched"] += 1
            if fault["matched"] <= fault.get("skip", 0) or fault["fired"] >= fault.get("times", 10**9):
                continue
            fault["fired"] += 1
            return (effect["status"], None) if "status" in effect else None
        return None

    def create_user(self, call: Body) -> Reply:
        """Store, replace, merge or refuse."""
        body, key = deepcopy(call["body"]), (call["entity"], call["body"]["userId"])
        old = self.users.get(key)
        if self._of_both_types(call["entity"], body["userId"]) or (old and self.setting("onDuplicate") == "reject"):
            return 400, None
        user = User(body, "", {})
        if old and self.setting("onDuplicate") == "merge":
            user = User(merge(old.body, body), "", {}, set(old.locks), old.events)
        user.outcome = self._choose(call, user.body)
        user.levels = levels_of(user.body)
        user.locks = locked(user.locks, call["query"])
        self.users[key] = user
        return 201, {"userId": body["userId"], **results_of(user.outcome, user.levels)}

    def get_record(self, call: Body) -> Reply:
        """The user as it is, and what was decided."""
        user = self.users.get((call["entity"], call["id"]))
        return (200, shown(call, user)) if user else (404, None)

    def get_event(self, call: Body) -> Reply:
        """The event as it was sent, and what was decided."""
        event = self.events.get((call["entity"], call["id"]))
        return (200, shown(call, event)) if event else (404, None)

    def apply_event(self, call: Body) -> Reply:
        """Change, convert or rename a user, once."""
        entity, event, query = call["entity"], call["body"], call["query"]
        event_id, user_id = event.get("eventId"), event["userId"]
        seen = self.events.get((entity, event_id)) if event_id else None
        if seen:
            call["replay"] = seen.answer
            return (201, None) if seen.body == event else (409, None)
        key, other = (entity, user_id), (OTHER[entity], user_id)
        converted = key not in self.users
        if converted and (other not in self.users or query.get("allowUserTypeConversion") != "true"):
            return 404, None
        new_id = event.get("newUserId", user_id) if query.get("changeUserId") == "true" else user_id
        if new_id != user_id:
            if (entity, new_id) in self.users:
                return 409, None
            if self._of_both_types(entity, new_id):
                return 400, None
        old = self.users[other if converted else key]
        kept = {name: value for name, value in old.body.items() if not converted or name != OF_ONE_TYPE[OTHER[entity]]}
        if converted and entity == "business":
            kept = {"legalEntity": {"companyGeneralDetails": {}}, **kept}
        held = {kind for flag, (_, kind) in LOCKS.items() if kind in old.locks and query.get(flag) != "false"}
        changes = {name: event[name] for name in ("userStateDetails", "kycStatusDetails") if name in event}
        changes = merge(changes, event.get(f"updated{entity.title()}UserAttributes", {}))
        for name, kind in LOCKS.values():
            if kind in held:
                changes.pop(name, None)
        body = {**merge(kept, changes), "userId": new_id}
        outcome = self._choose(call, body)
        levels = levels_of(body)
        before = results_of(old.outcome, old.levels)["riskScoreDetails"]
        levels = {**{kind: before[f"{kind}RiskLevel"] for kind in held}, **levels}
        user = User(body, outcome, levels, locked(old.locks, query), old.events + 1)
        self.users.pop(other if converted else key)
        self.users[entity, new_id] = user
        if event_id:
            self.events[entity, event_id] = Sent(deepcopy(event), outcome, levels)
        return 201, {**deepcopy(body), **results_of(outcome, levels)}

    def _of_both_types(self, entity: str, user_id: str) -> bool:
        return self.setting("validation") == "strict" and (OTHER[entity], user_id) in self.users

    def _choose(self, call: Body, user: Body) -> str:
        """Prefer, then what is armed, then the persona, then the setting."""
        if call.get("outcome"):
            return str(call["outcome"])
        for entry in self.armed:
            if entry.get("operation") not in (None, call["operation"]):
                continue
            if entry.get("userId") not in (None, call["body"]["userId"], user["userId"]):
                continue
            if entry["used"] >= entry.get("times", 10**9):
                continue
            entry["used"] += "times" in entry
            return str(entry["outcome"])
        return "blocked" if user["userId"].startswith("mock_blocked_") else str(self.setting("outcome"))

    def simulate(self, entity: str, user_id: str, changes: Body) -> bool:
        """What the vendor's console changes; False where there is no such user."""
        user = self.users.get((entity, user_id))
        if user is None:
            return False
        user.body = merge(user.body, {name: value for name, value in changes.items() if name != "outcome"})
        if "outcome" in changes:
            user.outcome = changes["outcome"]
            user.levels = {kind: level for kind, level in user.levels.items() if kind in user.locks}
        user.levels = {**user.levels, **levels_of(changes)}
        return True


def shown(call: Body, record: User | Sent) -> Body:
    """A record with its results beside it; a GET may prefer others."""
    return {**deepcopy(record.body), **results_of(call.get("outcome") or record.outcome, record.levels)}


def levels_of(user: Body) -> dict[str, str]:
    """The risk levels that a body brings."""
    return {kind: user[name] for name, kind in LOCKS.values() if name in user}


def locked(locks: set[str], query: Body) -> set[str]:
    """The locks after a request that may lock and unlock."""
    on = {kind for flag, (_, kind) in LOCKS.items() if query.get(flag) == "true"}
    off = {kind for flag, (_, kind) in LOCKS.items() if query.get(flag) == "false"}
    return (locks | on) - off


def merge(base: Body, changes: Body) -> Body:
    """Objects are merged, all else is replaced."""
    merged = deepcopy(base)
    for name, value in changes.items():
        inside = isinstance(merged.get(name), dict) and isinstance(value, dict)
        merged[name] = merge(merged[name], value) if inside else deepcopy(value)
    return merged
