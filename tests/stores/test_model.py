"""Every store does what a plain reference does: driven at random by requests and controls, they never differ.

`make proofs` looks further.
"""

from __future__ import annotations

import itertools
import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.admin.client import Admin
from tests.harness import NOW, Answer, Api, made
from tests.stores import drawn
from tests.stores.drawn import OPERATIONS, OWN, REST, TYPES
from tests.stores.model import World

EXAMPLES = int(os.environ.get("PROOF_EXAMPLES", "8"))
STEPS = 30
SETTINGS = {"answers": "stored", "outcome": "clean", "validation": "pages", "onDuplicate": "replace"}
_numbers = itertools.count()


class Machine(RuleBasedStateMachine):
    """One world of a sandbox and its reference; every step is done to both, and told apart at once."""

    transport: Any  # of the sandbox with the store
    twin: Any  # of one whose store is the memory, for what the reference does not know; None for that one itself

    def __init__(self) -> None:
        super().__init__()
        world = f"m{next(_numbers)}"
        self.admin, self.api = Admin(self.transport, world), Api(self.transport, f"world-{world}")
        self.beside = (Admin(self.twin, world), Api(self.twin, f"world-{world}")) if self.twin else None
        self.model = World(NOW, SETTINGS)

    @initialize()
    def begin(self) -> None:
        """Begin with a user of each type, so that events find one."""
        self.create("consumer", "a", {"riskLevel": "LOW"}, True, None, None)
        self.create("business", "b", {}, True, None, None)

    @rule(calls=drawn.calls, more=drawn.calls)
    def traffic(self, calls: Any, more: Any = ()) -> None:
        """Do many requests: what is set by a control must be seen by some."""
        for name, given in (*calls, *more):
            getattr(self, name)(**given)

    def create(self, entity: str, user_id: str, more: Any, own: bool, lock: Any, prefer: Any) -> None:
        """Create a user, or post one again."""
        own = own or entity == "business"
        body = {"userId": user_id, "createdTimestamp": NOW, **more, **(OWN[entity] if own else {})}
        self.send(entity, "create-user", body=body, query={"lockCraRiskLevel": lock}, outcome=prefer)

    def get(self, entity: str, user_id: str, prefer: Any) -> None:
        """Get a user."""
        self.send(entity, "get-record", user_id, outcome=prefer)

    def get_event(self, entity: str, event_id: str) -> None:
        """Get an event."""
        self.send(entity, "get-event", event_id)

    def event(self, entity: str, user_id: str, event_id: Any, more: Any, new_id: Any, query: Any) -> None:
        """Send an event, which may convert and rename; one with a known eventId is another body's, mostly."""
        body = {"timestamp": NOW, "userId": user_id, f"updated{entity.title()}UserAttributes": more}
        body |= {name: value for name, value in (("eventId", event_id), ("newUserId", new_id)) if value}
        self.send(entity, "apply-event", body=body, query=query)

    @precondition(lambda self: self.model.events)
    @rule(data=st.data(), query=st.fixed_dictionaries({"changeUserId": drawn.flags}))
    def replay(self, data: Any, query: Any) -> None:
        """Send an event again that was sent before, its keys in another order."""
        entity, event_id = data.draw(st.sampled_from(sorted(self.model.events)))
        body = dict(reversed(self.model.events[entity, event_id].body.items()))
        self.send(entity, "apply-event", body=body, query=query)

    def refused(self, entity: str) -> None:
        """Send what is no JSON."""
        self.send(entity, "create-user", broken=True)

    @precondition(lambda self: bool(REST and self.beside))
    @rule(name=st.sampled_from(sorted(REST) or [""]), number=st.integers(0, 1))
    def other(self, name: str, number: int) -> None:
        """Ask for what the reference knows nothing of, in a world beside it: the memory store's answer, every byte."""
        operation = REST[name]
        body: Any = deepcopy(operation.example_request) if operation.method == "POST" else None
        for holder in (body, *(body or {}).get("data", ())):
            for known in ("userId", "eventId", "transactionId", "batchId"):
                if known in (holder or {}):
                    holder[known] = f"x-{number}"
        path = operation.path.partition("{")[0] + (f"x-{number}" if "{" in operation.path else "")
        self.both(operation.method, path, body, {"x-api-key": f"{self.api.key}-beside"})

    def send(self, entity: str, do: str, path_id: str = "", **more: Any) -> None:
        """Do a request to the sandbox and to the reference."""
        operation = OPERATIONS[entity, do]
        query = {name: value for name, value in more.pop("query", {}).items() if value is not None}
        path = operation.path.partition("{")[0]
        call: dict[str, Any] = {"operation": operation.id, "do": do, "entity": entity, "id": path_id}
        call |= {"method": operation.method, "path": path + path_id, "query": query, **more}
        target = path + quote(path_id, safe="") + (f"?{urlencode(query)}" if query else "")
        headers = {"prefer": f"outcome={call['outcome']}"} if call.get("outcome") else {}
        answer = self.both(operation.method, target, call.get("body"), headers, b"{" if call.get("broken") else None)
        status, body = self.model.request(call)
        assert answer.status == status, (call, answer)
        if body is not None:
            told = {name: value for name, value in answer.body.items() if name != "message"}
            assert told == body, (call, answer)
        event_id = call.get("body", {}).get("eventId")
        if status == 201 and do == "apply-event" and event_id:
            assert call.get("replay", answer.raw) in (answer.raw, b""), (call, answer)
        self.remember(entity, event_id, answer)
        self.counted(operation.id, status)

    def remember(self, entity: str, event_id: str | None, answer: Answer) -> None:
        """An event's first answer is the one it keeps; of one that was lost on its way nothing is known."""
        kept = self.model.events.get((entity, event_id or ""))
        if kept and not kept.answer and answer.status == 201:
            kept.answer = answer.raw

    def both(self, method: str, target: str, body: Any, headers: Any, raw: bytes | None = None) -> Answer:
        """The answer of the sandbox, which is that of its twin."""
        answer = self.api.call(method, target, body, headers=headers, raw=raw)
        if self.beside:
            other = self.beside[1].call(method, target, body, headers=headers, raw=raw)
            assert (answer.status, answer.raw) == (other.status, other.raw)
        return answer

    def counted(self, operation: str, status: int) -> None:
        """The journal counts as the reference does."""
        these = {"operation": operation, "status": status}
        for pattern, count in (({}, self.model.counts.total()), (these, self.model.counts[operation, status])):
            assert self.tell("POST", "/requests/count", pattern)["count"] == count, pattern

    def tell(self, method: str, path: str, body: Any = None, *, good: bool = True) -> Any:
        """Use a control, of the twin as well."""
        content = None if body is None else json.dumps(body).encode()
        target = f"/__admin{path}?world={self.admin.world}"
        answers = [admin.raw(method, target, content) for admin in (self.admin, *(self.beside or ())[:1])]
        assert {answer.status < 400 for answer in answers} == {good}, (target, answers)
        return answers[0].body

    @rule(name=st.sampled_from(["outcome", "validation", "onDuplicate", "answers"]), data=st.data(), calls=drawn.calls)
    def set(self, name: str, data: Any, calls: Any) -> None:
        """Change a setting of the world."""
        known = {"validation": ["pages", "strict"], "onDuplicate": ["replace", "merge", "reject"]}
        known |= {"answers": ["stored", "stored", "example"], "outcome": ["clean", "high_risk"]}
        self.model.settings[name] = data.draw(st.sampled_from(known[name]))
        assert self.tell("POST", "/settings", {name: self.model.settings[name]})["own"] == self.model.settings
        self.traffic(calls)

    @rule()
    def unset(self) -> None:
        """Take back the settings."""
        self.model.settings = {}
        assert self.tell("DELETE", "/settings")["own"] == {}

    @rule(entry=drawn.armed, calls=drawn.calls)
    def arm(self, entry: Any, calls: Any) -> None:
        """Arm an outcome."""
        self.model.armed.insert(0, {**entry, "id": self.model.new_id("outcome"), "used": 0})
        self.tell("POST", "/outcomes", entry)
        self.traffic(calls)

    @rule()
    def disarm(self) -> None:
        """Disarm all."""
        self.model.armed = []
        self.tell("DELETE", "/outcomes")

    @rule(fault=drawn.faults, times=st.integers(1, 2), calls=drawn.calls)
    def fault(self, fault: Any, times: int, calls: Any) -> None:
        """Add a fault that fires once or twice."""
        kept = {**deepcopy(fault), "times": times, "id": self.model.new_id("fault"), "matched": 0, "fired": 0}
        if "ttlMs" in fault:
            kept["expires"] = self.model.now + fault["ttlMs"]
        self.model.faults.append(kept)
        self.tell("POST", "/faults", {**fault, "times": times})
        self.traffic(calls)

    @rule(amount=st.integers(-5, 5))
    def advance(self, amount: int) -> None:
        """Move the clock."""
        self.model.at += amount
        assert self.tell("POST", "/clock", {"advanceMs": amount}) == {"now": self.model.now, "frozen": True}

    @rule(name=drawn.names)
    def snapshot(self, name: str) -> None:
        """Keep the world."""
        self.model.snapshots[name] = deepcopy(self.model.now_held)
        self.tell("PUT", f"/snapshots/{quote(name, safe='')}")

    @rule(name=drawn.names, calls=drawn.calls)
    def restore(self, name: str, calls: Any) -> None:
        """Bring back what was kept; controls and journal stay."""
        there = name in self.model.snapshots
        self.tell("POST", f"/snapshots/{quote(name, safe='')}/restore", good=there)
        if there:
            self.model.now_held = deepcopy(self.model.snapshots[name])
        self.traffic(calls)

    @rule(how=st.sampled_from(["reset", "journal"]))
    def clear(self, how: str) -> None:
        """Bring the world back to its beginning, or its journal alone."""
        if how == "reset":
            self.model.reset()
            self.tell("POST", "/reset")
        else:
            self.model.clear_journal()
            self.tell("DELETE", "/requests")

    @rule(
        entity=drawn.types,
        user_id=drawn.ids,
        changes=st.fixed_dictionaries({"riskLevel": drawn.risks}, optional={"outcome": drawn.outcomes}),
    )
    def simulate(self, entity: str, user_id: str, changes: Any) -> None:
        """Change a user as the vendor's console does."""
        there = self.model.simulate(entity, user_id, changes)
        self.tell("POST", f"/simulate/{entity}/{quote(user_id, safe='')}", changes, good=there)

    @rule(entity=drawn.types, user_id=drawn.ids)
    def take_away(self, entity: str, user_id: str) -> None:
        """Take a user away."""
        there = self.model.users.pop((entity, user_id), None) is not None
        self.tell("DELETE", f"/state/users/{entity}/{quote(user_id, safe='')}", good=there)

    def teardown(self) -> None:
        """In the end the whole world is the reference's; then it goes, since hints name any other world."""
        try:
            self.compare()
        finally:
            for admin in (self.admin, *(self.beside or ())[:1]):
                for world in (admin.world, f"{admin.world}-beside"):
                    admin.raw("DELETE", f"/__admin/worlds/{world}")

    def compare(self) -> None:
        """Users, locks, events, faults, outcomes and the clock are the reference's."""
        for operation, status in self.model.counts:
            self.counted(operation, status)
        for (entity, user_id), user in self.model.users.items():
            told = self.tell("GET", f"/state/users/{entity}/{quote(user_id, safe='')}")
            locks = {kind for kind, on in told["locked"].items() if on}
            assert (told["body"], told["events"], locks) == (user.body, user.events, user.locks)
        for entity in TYPES:
            for kind, held in (("users", self.model.users), ("events", self.model.events)):
                assert self.tell("GET", f"/state/{kind}/{entity}")["ids"] == sorted(i for e, i in held if e == entity)
        faults = self.tell("GET", "/faults")["faults"]
        assert [(f["id"], f["matched"], f["fired"]) for f in faults] == [
            (f["id"], f["matched"], f["fired"]) for f in self.model.faults
        ]
        armed = self.tell("GET", "/outcomes")["armed"]
        assert [(a["id"], a["used"]) for a in armed] == [(a["id"], a["used"]) for a in self.model.armed]
        assert self.tell("GET", "/clock")["now"] == self.model.now


def store_url(kind: str, request: Any, folder: Path) -> str:
    """A store of its own."""
    if kind == "redis":
        return f"{request.getfixturevalue('redis_url')}?prefix={uuid4()}"
    return kind if kind == "memory" else f"sqlite:///{folder}/model.db"


@pytest.mark.parametrize("kind", ["memory", "sqlite", "redis"])
def test_a_store_does_what_the_reference_does(kind: str, request: Any, tmp_path: Path) -> None:
    """Whatever is asked in whatever order, status, body, journal and the whole world are the reference's."""
    options: Any = {"outcome": "clean", "world": "empty", "clock": NOW}
    sandbox = made(store=store_url(kind, request, tmp_path), **options).transport
    twin = None if kind == "memory" else made(store="memory", **options).transport
    driven = type(
        "Driven", (Machine,), {"transport": staticmethod(sandbox), "twin": staticmethod(twin) if twin else None}
    )
    run_state_machine_as_test(
        driven,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=EXAMPLES <= 100,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
