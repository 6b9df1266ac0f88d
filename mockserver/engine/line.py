"""The straight line: from a call to its reply, over a contract, a store and the settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from mockserver.config import ANSWERS, PROFILES
from mockserver.contract import Contract
from mockserver.contract.checks import check_query
from mockserver.contract.names import nearest
from mockserver.contract.operations import Operation
from mockserver.contract.parse import json_bytes, read_body
from mockserver.contract.smells import Notice
from mockserver.controls.choice import Choice
from mockserver.controls.document import Control, read_control
from mockserver.controls.faults import Subject, about, fire, matches
from mockserver.controls.patterns import UNMATCHED
from mockserver.controls.prefer import NONE, Preferences, read_preferences
from mockserver.engine.call import Call, Reply, error_reply, success_reply
from mockserver.engine.render import Renderer
from mockserver.engine.sent import flags, leniently
from mockserver.engine.trail import Dials, Trail, judged, note
from mockserver.errors import (
    ApiError,
    BadRequest,
    Forced,
    MockserverError,
    NotFound,
    Unauthorized,
    UnknownReference,
    Violation,
    by_state,
)
from mockserver.world import batch, events, transactions, users
from mockserver.world.outcomes import Outcomes
from mockserver.world.records import Decision, Record
from mockserver.world.store import Store
from mockserver.world.tags import VIOLATION
from mockserver.world.tenancy import DEFAULT, Tenancy
from mockserver.world.users import Effect, Wish

_OUTLIVED = (
    "A client, a thread or a cache made for it still lives: make it anew for each test, or let tests share a key."
)
_EXISTS_ANYWAY = ("example", "generated")  # answers that an unknown id gets too


class Engine:
    """Call to Reply. It knows nothing of HTTP servers."""

    def __init__(self, contract: Contract, store: Store, tenancy: Tenancy, dials: Dials, outcomes: Outcomes) -> None:
        self.contract = contract
        self.store = store
        self.tenancy = tenancy
        self.dials = dials
        self.outcomes = outcomes
        self.renderer = Renderer(contract, outcomes)
        if dials.outcome not in outcomes.names:
            raise MockserverError(f"outcome {dials.outcome!r} is unknown: {outcomes.suggest(dials.outcome)}")
        self._choices = {"answers": ANSWERS, "outcome": outcomes.names, "validation": PROFILES}
        self._behaviours: Mapping[str, Callable[[Wish, Any], Effect]] = {
            "create-user": lambda wish, _: users.create_user(store, wish),
            "get-record": lambda wish, _: users.get_record(store, wish),
            "get-event": lambda wish, _: events.get_event(store, wish),
            "apply-event": lambda wish, render: events.apply_event(store, wish, render),
            "verify-transaction": lambda wish, _: transactions.verify_transaction(store, wish),
            "apply-transaction-event": lambda wish, render: transactions.apply_transaction_event(store, wish, render),
            "apply-batch": lambda wish, each: batch.apply_batch(store, wish, each),
            "get-batch": lambda wish, show: batch.get_batch(store, wish, show),
        }
        for operation in contract.operations.built:
            if operation.do not in self._behaviours:
                raise MockserverError(f"{operation.id}: unknown behaviour {operation.do!r}")

    def handle(self, call: Call) -> Reply:
        """Answer a request: with success, or with the vendor's error body. Raises nothing that it foresaw."""
        trail = Trail(dials=self.dials, operation=call.operation.id if call.operation else UNMATCHED)
        try:
            reply = self._answer(call, trail)
        except ApiError as error:
            trail.violations, trail.mark = error.violations, judged(error, taken=True)
            reply = error_reply(error)
            if isinstance(error, Unauthorized):  # whose world it is cannot be said: it goes to the default one
                trail.dials = self.dials.of(read_control(self.store, trail.world))
        if trail.delay_ms:
            reply = replace(reply, delay_ms=trail.delay_ms)
        for fired in trail.fired:
            reply = replace(
                reply,
                delay_ms=reply.delay_ms + fired.delay_ms,
                wire=fired.wire or reply.wire,
                fault=f"{reply.fault},{fired.fault.id}" if reply.fault else fired.fault.id,
            )
        note(self.store, call, reply, trail)
        return reply

    def refuse(self, call: Call, error: ApiError, operation: str = UNMATCHED) -> Reply:
        """The answer to a request that no built operation takes, which the journal keeps as well."""
        trail = Trail(dials=self.dials, operation=operation, mark=judged(error, taken=False))
        try:
            trail.world = self.tenancy.world_of(call.key)
        except ApiError:
            trail.world = DEFAULT
        trail.dials = self.dials.of(read_control(self.store, trail.world))
        reply = error_reply(error)
        note(self.store, call, reply, trail)
        return reply

    def _answer(self, call: Call, trail: Trail) -> Reply:
        operation = call.operation
        assert operation is not None  # noqa: S101 - the web calls `refuse` for those
        world = trail.world = self.tenancy.world_of(call.key)
        over = self.store.finished(world)
        if over is not None:
            raise Unauthorized(f"Unauthorized: {over} is over, and its key with it", hint=_OUTLIVED)
        control = read_control(self.store, world)
        dials = trail.dials = self.dials.of(control)
        header = call.headers.get("prefer")
        prefer = read_preferences(header, self._choices) if header else NONE
        profile = trail.profile = prefer.validation or dials.validation
        answers = trail.answers = prefer.answers or dials.answers
        trail.delay_ms = prefer.delay or 0
        if control.faults:
            self._fault(call, operation, control, trail, "before")
        if prefer.code is not None:
            raise Forced(prefer.code, f"Prefer: code={prefer.code} asked for this answer", applied=prefer.applied)

        query = parse_qsl(call.query, keep_blank_values=True, errors="replace") if call.query else []
        violations = check_query(operation.parameters, query) if query else []
        body: dict[str, Any] = {}
        text = b""
        warnings: list[Notice] = []
        if operation.request is not None:
            body, text, found, warnings = self._body(call, operation, profile, dials)
            violations += found
        if violations:
            raise BadRequest.of(violations)

        wish = Wish(
            operation=operation,
            world=world,
            id=call.id,
            body=body,
            text=text,
            flags=flags(operation, query) if query else {},
            choice=Choice(self.outcomes, operation.id, prefer.outcome, control.armed, dials.outcome, operation.entity),
            outcomes=self.outcomes,
            on_duplicate=dials.on_duplicate,
            one_type=profile == "strict",
        )
        seed = dials.seed if prefer.seed is None else prefer.seed

        def render(effect: Effect) -> bytes:
            return self.renderer.render(operation, effect, answers=answers, outcome=dials.outcome, seed=seed)

        given: Callable[..., Any] = render
        if operation.listed:
            given = self._each(call, wish, trail, prefer, seed) if operation.each else self._show(wish, dials, prefer)
        effect = _preferred(self._behave(wish, given, answers, dials, prefer), prefer)
        content = effect.replay or render(effect)
        trail.warnings = warnings = [*warnings, *effect.warnings]
        trail.outcome, trail.chosen_by = effect.decision.outcome or dials.outcome, effect.chosen_by
        trail.user_id, trail.before, trail.replayed = body.get("userId"), effect.before, effect.replay is not None
        trail.after = effect.after
        if control.faults:
            self._fault(call, operation, control, trail, "after")
        # What is replayed is as it was: nothing of what is preferred now was applied.
        applied = "" if trail.replayed else prefer.applied
        reply = success_reply(operation.status, content, warnings, applied, trail.outcome)
        if effect.violations:
            trail.violations = effect.violations
            trail.mark = "" if by_state(effect.violations) else VIOLATION
            refused = (f"{entry.where}: {entry.message}" for entry in effect.violations)
            reply = replace(reply, notes=(*refused, *reply.notes))
        return reply

    def _body(
        self, call: Call, operation: Operation, profile: str, dials: Dials
    ) -> tuple[dict[str, Any], bytes, list[Violation], list[Notice]]:
        """The body, also as compact JSON, what refuses it under the profile, and what is to be said about it."""
        size = max(call.body_bytes, len(call.body))
        body, text = read_body(call.body, size=size, largest=dials.max_body_bytes, deepest=dials.max_depth)
        check = self.contract.check(operation, strict=profile == "strict")
        violations, warnings = check.check(body)
        if profile == "lenient":
            violations, warnings = leniently(violations, warnings, body, operation)
        if not violations and b"null" in call.body:
            check.drop_nulls(body)
            text = json_bytes(body)
        return body, text, violations, warnings

    def _each(
        self, call: Call, wish: Wish, trail: Trail, prefer: Preferences, seed: int
    ) -> Callable[[Any, bool], Effect]:
        """What does one record of a batch: what its own request would do, under the batch's name and constraints."""
        single = wish.operation.each
        assert single is not None  # noqa: S101 - a batch has one
        check = self.contract.check_each(wish.operation, strict=trail.profile == "strict")
        nulls, answers, dials = b"null" in call.body, trail.answers, trail.dials

        def render(effect: Effect) -> bytes:
            return self.renderer.render(single, effect, answers=answers, outcome=dials.outcome, seed=seed)

        def each(record: Any, briefly: bool) -> Effect:
            violations, warnings = check.check(record, briefly=briefly)
            if trail.profile == "lenient":
                violations, warnings = leniently(violations, warnings, record, single)
            if violations:
                raise BadRequest.of(violations)
            if nulls:
                check.drop_nulls(record)
            own = replace(wish, operation=single, body=record, text=json_bytes(record))
            effect = self._behave(own, render, answers, dials, prefer)
            return replace(effect, warnings=(*warnings, *effect.warnings)) if warnings else effect

        return each

    def _show(self, wish: Wish, dials: Dials, prefer: Preferences) -> Callable[[Record], bytes]:
        """What renders one record of a batch's page."""

        def show(record: Record) -> bytes:
            effect = _preferred(Effect("", record.body, record.facts.decision), prefer)
            return self.renderer.entry(wish.operation, effect, dials.outcome)

        return show

    def _behave(self, wish: Wish, given: Callable[..., Any], answers: str, dials: Dials, prefer: Preferences) -> Effect:
        """Change or read the world. An unknown id is an error only where answers come from the store."""
        try:
            return self._behaviours[wish.operation.do](wish, given)
        except (NotFound, UnknownReference):
            if answers not in _EXISTS_ANYWAY:
                raise
            operation = wish.operation
            asked = str(wish.id or wish.body.get(operation.id_property) or wish.body[operation.entity.id])
            way = "setting" if prefer.outcome is None else "prefer"
            known = {operation.holds: {operation.entity.id: wish.body[operation.entity.id]}} if operation.holds else {}
            return Effect(asked, json_bytes(known), Decision(prefer.outcome or dials.outcome), chosen_by=way)

    def _fault(self, call: Call, operation: Operation, control: Control, trail: Trail, phase: str) -> None:
        """Let the first rule of the phase that matches and fires act: raise its answer, or note its delay."""
        subject: Subject | None = None
        for fault in control.faults:
            if fault.phase != phase:
                continue
            if subject is None:
                ids = about(operation, call.id, call.body)
                subject = Subject(operation.id, call.method, unquote(call.path), ids, call.headers)
            if not matches(fault, subject):
                continue
            dials = trail.dials
            now = dials.clock.now(self.store.recorded(trail.world))
            fired = fire(self.store, trail.world, fault, seed=dials.seed, now=now)
            if fired is None:
                continue
            trail.fired.append(fired)
            if fired.status is not None:
                headers = [] if fired.retry_after is None else [("Retry-After", str(math.ceil(fired.retry_after)))]
                raise Forced(fired.status, fired.message, headers=headers)
            if fired.wire and phase == "before":
                raise Forced(503, fired.message)  # never seen: the wire fault takes its place
            return


def unknown_path(path: str, contract: Contract) -> NotFound:
    """The 404 of a path that no operation has: it names the right or the nearest one."""
    operations = contract.operations
    trimmed = path.rstrip("/") or "/"
    for wrong, right in operations.wrong_paths.items():
        if trimmed == wrong or trimmed.startswith(wrong + "/"):
            return NotFound(f"No operation has the path {path[:200]!r}: it is {right}{trimmed[len(wrong) :][:200]}")
    if path.endswith("/") and any(entry.path.startswith(f"{trimmed}/{{") for entry in operations.built):
        return NotFound(f"No operation has the path {path[:200]!r}", hint="The id behind the last slash is empty.")
    near = nearest(trimmed, [operation.path for operation in operations.built])
    hint = f"Did you mean {near[0]}?" if near else "GET /openapi.json and `mockserver routes` list what there is."
    return NotFound(f"No operation has the path {path[:200]!r}", hint=hint)


def _preferred(effect: Effect, prefer: Preferences) -> Effect:
    """What a GET shows was decided at the write, unless this one request prefers another outcome."""
    if prefer.outcome is None or effect.decision.outcome == prefer.outcome or effect.replay is not None:
        return effect
    return replace(effect, decision=replace(effect.decision, outcome=prefer.outcome), chosen_by="prefer")
