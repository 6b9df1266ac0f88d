"""What is learnt on the way of a request, and how the journal keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mockserver.clock import Clock
from mockserver.contract.parse import json_bytes
from mockserver.contract.smells import Notice
from mockserver.controls.document import Control
from mockserver.controls.faults import NOBODY, About, Fired, about
from mockserver.engine.call import Call, Reply
from mockserver.errors import ApiError, BadRequest, TooLarge, Violation, by_state
from mockserver.world.journal import circumstances, encode_entry, headers_json, kept
from mockserver.world.store import Store
from mockserver.world.tags import CLEAN, UNMATCHED, VIOLATION, WARNING, make_tag
from mockserver.world.tenancy import DEFAULT


@dataclass(frozen=True)
class Dials:
    """What the settings say, where a world or a request says nothing else."""

    answers: str = "stored"
    outcome: str = "example"
    validation: str = "pages"
    on_duplicate: str = "replace"
    seed: int = 0
    clock: Clock = field(default_factory=Clock)
    max_body_bytes: int = 10 * 1024 * 1024
    max_depth: int = 100
    journal: bool = True
    journal_bodies: str = "full"

    def of(self, control: Control) -> Dials:
        """The dials of a world: what is set there goes before what the server was started with."""
        if not control.settings and control.clock is None:
            return self
        return replace(self, **control.settings, clock=control.clock or self.clock)


@dataclass
class Trail:
    """What is learnt on the way of one request, for the journal."""

    operation: str  # its id, or `unmatched`
    world: str = DEFAULT
    dials: Dials = field(default_factory=Dials)
    profile: str = ""
    answers: str = ""
    outcome: str | None = None
    chosen_by: str = ""
    fired: list[Fired] = field(default_factory=list)
    violations: Sequence[Violation] = ()
    warnings: Sequence[Notice] = ()
    user_id: str | None = None
    ids: About = NOBODY  # where userId alone does not say whom it is about
    before: bytes = b""
    after: bytes = b""
    replayed: bool = False
    delay_ms: float = 0  # that the request prefers
    mark: str = ""  # how it counts in the verdict; empty: by its warnings


def judged(error: ApiError, *, taken: bool) -> str:
    """How a request that is answered with this error counts in the verdict; `taken` is whether an operation took it.

    Only the contract's refusals are the client's mistakes: 400 and 413, and what no operation takes. What the test
    author asked for (a forced status, on-duplicate=reject), 401, an unknown id or user and a conflict are not.
    """
    if isinstance(error, BadRequest | TooLarge):
        return CLEAN if by_state(error.violations) else VIOLATION
    return CLEAN if taken else UNMATCHED


def note(store: Store, call: Call, reply: Reply, trail: Trail) -> None:
    """Count the request and keep it in the world's journal."""
    dials = trail.dials
    if call.operation is not None and (trail.user_id is None or call.operation.entity.parties):
        operation = call.operation
        if call.id and not operation.entity.parties:  # nearly every GET
            trail.user_id = call.id if operation.id_property == "userId" else None
        else:
            trail.ids = about(operation, call.id, call.body)
            trail.user_id = next(iter(trail.ids.users), None)
    mark = trail.mark or (WARNING if trail.warnings else CLEAN)
    entry = None
    if dials.journal:
        clock = dials.clock
        facts = b'{"at":%d,"status":%d,"url":%b,"userId":%b,"headers":%b,%b%b}' % (
            clock.now() if clock.at is None else clock.now(store.recorded(trail.world)),
            reply.status,
            json_bytes(call.url),
            json_bytes(trail.user_id),
            headers_json(tuple(call.headers.items())),
            circumstances(
                ("world", trail.world),
                ("operation", trail.operation),
                ("method", call.method),
                ("profile", trail.profile),
                ("answers", trail.answers),
                ("outcome", trail.outcome),
                ("chosenBy", trail.chosen_by),
            ),
            _peculiar(reply, trail, mark),
        )
        parts = [call.body, reply.body, trail.before, trail.after]
        if dials.journal_bodies != "full":
            parts = [kept(part, dials.journal_bodies) for part in parts]
        entry = encode_entry(facts, *parts)
    # An error, or a connection that is cut, lets nobody see the outcome.
    seen = trail.outcome or "" if reply.status < 400 and not reply.wire else ""
    store.record(trail.world, make_tag(trail.operation, reply.status, mark, seen), entry)


def _peculiar(reply: Reply, trail: Trail, mark: str) -> bytes:
    """The facts that few entries have, as the end of a JSON object."""
    facts: dict[str, Any] = {}
    whole = trail.dials.journal_bodies == "full"  # else no value of a body may stand here either
    if mark != CLEAN:
        facts["verdict"] = mark
    if trail.violations:
        shown = (
            trail.violations if whole else [replace(e, sent=None, has_sent=False, hint=None) for e in trail.violations]
        )
        facts["violations"] = [violation.body() for violation in shown]
    if trail.warnings:
        facts["warnings"] = [
            {"pointer": e.pointer, "rule": e.rule, "message": e.line if whole else e.message} for e in trail.warnings
        ]
    if trail.fired:
        facts["fault"] = [fired.fault.id for fired in trail.fired]
        facts["wire"] = reply.wire
    if reply.delay_ms:
        facts["delayMs"] = reply.delay_ms
    if trail.dials.journal_bodies != "full":
        facts["bodies"] = trail.dials.journal_bodies
    if trail.ids.transaction is not None:
        facts["transactionId"] = trail.ids.transaction
    if len(trail.ids.users) > 1:
        facts["otherUserId"] = trail.ids.users[1]
    if trail.replayed:
        facts["replayed"] = True
    return b"," + json_bytes(facts)[1:-1] if facts else b""
