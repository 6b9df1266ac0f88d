"""The way of a request, read top to bottom: each step goes on or answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from mockserver.contract import Contract
from mockserver.contract.checks import check_query
from mockserver.contract.names import nearest
from mockserver.contract.operations import Operation
from mockserver.contract.parse import json_bytes, parse_body
from mockserver.contract.smells import Notice
from mockserver.controls.prefer import NONE, Preferences, read_preferences
from mockserver.errors import ApiError, BadRequest, MockserverError, NotFound, Violation
from mockserver.world import events, users
from mockserver.world.outcomes import Outcomes
from mockserver.world.records import Decision
from mockserver.world.store import Store
from mockserver.world.tenancy import Tenancy
from mockserver.world.users import Effect, Wish

Headers = Sequence[tuple[str, str]]

ANSWERS = ("stored", "example")
VALIDATION = ("pages", "strict", "lenient")
_MOST_WARNINGS = 8  # header lines; the rest is counted in the last one
_LONGEST_WARNING = 300  # characters of a header line


@dataclass(frozen=True)
class Call:
    """One request to an operation, as HTTP brought it."""

    operation: Operation
    key: str | None  # the header x-api-key
    id: str = ""  # of the path
    query: str = ""  # raw
    prefer: str = ""  # the header Prefer
    body: bytes = b""
    body_bytes: int = 0  # how many were sent; more than `body` holds where the limit was passed


@dataclass(frozen=True)
class Reply:
    """The answer to a request. `delay_ms` and `wire` are performed by the server: no code sleeps.

    `notes` are for the request line: violations and warnings, without values of the request.
    """

    status: int
    headers: Headers
    body: bytes
    notes: tuple[str, ...] = ()
    delay_ms: float = 0
    wire: str | None = None


@dataclass(frozen=True)
class Dials:
    """What the settings say, where a request says nothing else."""

    answers: str = "stored"
    outcome: str = "example"
    validation: str = "pages"
    on_duplicate: str = "replace"
    max_body_bytes: int = 10 * 1024 * 1024
    max_depth: int = 100


class Engine:
    """Call to Reply, over a contract, a store and the settings. It knows nothing of HTTP servers."""

    def __init__(self, contract: Contract, store: Store, tenancy: Tenancy, dials: Dials) -> None:
        self._contract = contract
        self._store = store
        self._tenancy = tenancy
        self._dials = dials
        self._outcomes = Outcomes(contract)
        if dials.outcome not in self._outcomes.names:
            raise MockserverError(f"outcome {dials.outcome!r} is unknown: {self._outcomes.suggest(dials.outcome)}")
        self._choices = {"answers": ANSWERS, "outcome": self._outcomes.names, "validation": VALIDATION}
        self._examples = {operation.id: _example(operation) for operation in contract.operations.built}
        self._behaviours: Mapping[str, Callable[[Wish, str], Effect]] = {
            "create-user": lambda wish, _: users.create_user(self._store, wish),
            "get-user": lambda wish, _: users.get_user(self._store, wish),
            "get-event": lambda wish, _: events.get_event(self._store, wish),
            "apply-event": lambda wish, answers: events.apply_event(
                self._store, wish, lambda effect: self._render(wish, effect, answers)
            ),
        }
        for operation in contract.operations.built:
            if operation.do not in self._behaviours:
                raise MockserverError(f"{operation.id}: unknown behaviour {operation.do!r}")

    def handle(self, call: Call) -> Reply:
        """Answer a request: with success, or with the vendor's error body. Raises nothing that it foresaw."""
        try:
            return self._answer(call)
        except ApiError as error:
            return error_reply(error)

    def _answer(self, call: Call) -> Reply:
        operation, dials = call.operation, self._dials
        world = self._tenancy.world_of(call.key)
        prefer = read_preferences(call.prefer, self._choices) if call.prefer else NONE
        profile = prefer.validation or dials.validation
        query = parse_qsl(call.query, keep_blank_values=True, errors="replace") if call.query else []
        violations = check_query(operation.parameters, query) if query else []
        body: dict[str, Any] = {}
        warnings: list[Notice] = []
        if operation.request is not None:
            body, found, warnings = self._body(call, profile)
            violations += found
        if violations:
            raise BadRequest.of(violations)
        wish = Wish(
            operation=operation,
            world=world,
            id=call.id,
            body=body,
            flags=_flags(operation, query) if query else {},
            outcome=prefer.outcome or dials.outcome,
            on_duplicate=dials.on_duplicate,
            one_type=profile == "strict",
        )
        answers = prefer.answers or dials.answers
        effect = self._behave(wish, answers)
        shown = self._shown(effect, prefer)
        content = effect.replay or self._render(wish, shown, answers)
        return _success(operation.status, content, [*warnings, *effect.warnings], prefer)

    def _body(self, call: Call, profile: str) -> tuple[dict[str, Any], list[Violation], list[Notice]]:
        """The body, what refuses it under the profile, and what is to be said about it."""
        dials = self._dials
        body = parse_body(
            call.body,
            size=max(call.body_bytes, len(call.body)),
            largest=dials.max_body_bytes,
            deepest=dials.max_depth,
        )
        check = self._contract.check(call.operation, strict=profile == "strict")
        violations, warnings = check.check(body)
        if profile == "lenient":
            violations, noted = _unstorable(violations, body)
            warnings = [*(Notice(entry.pointer, "not-valid", entry.message) for entry in noted), *warnings]
        if not violations and b"null" in call.body:
            check.drop_nulls(body)
        return body, violations, warnings

    def _behave(self, wish: Wish, answers: str) -> Effect:
        """Change or read the world. With `answers=example` an unknown id is answered all the same."""
        try:
            return self._behaviours[wish.operation.do](wish, answers)
        except NotFound:
            if answers != "example":
                raise
            return Effect(wish.id or str(wish.body["userId"]), b"{}", Decision(wish.outcome))

    def _shown(self, effect: Effect, prefer: Preferences) -> Effect:
        """What a GET shows was decided at the write, unless this one request prefers another outcome."""
        if prefer.outcome is None or effect.decision.outcome == prefer.outcome:
            return effect
        decision = Decision(prefer.outcome, effect.decision.cra, effect.decision.kyc)
        return replace(effect, decision=decision)

    def _render(self, wish: Wish, effect: Effect, answers: str) -> bytes:
        """The answer's body: the stored object or the operation's example, and the results beside it."""
        operation, body, decision = wish.operation, effect.body, effect.decision
        if answers == "example":
            body = self._examples[operation.id](effect.id)
            decision = Decision(wish.outcome)
        results = self._outcomes.results(operation, decision, wish.outcome)
        return b"%b,%b}" % (body[:-1], results) if results else body


def error_reply(error: ApiError) -> Reply:
    """The answer of an error, in the vendor's shape."""
    notes = [f"{violation.where}: {violation.message}" for violation in error.violations] or [error.message]
    return Reply(error.status, error.headers, json_bytes(error.body()), tuple(notes))


def _success(status: int, content: bytes, warnings: Sequence[Notice], prefer: Preferences) -> Reply:
    headers: list[tuple[str, str]] = []
    if prefer.applied:
        headers.append(("Preference-Applied", _header_text(prefer.applied)))
    shown = list(warnings[:_MOST_WARNINGS])
    headers += [("X-Mockserver-Warning", _header_text(warning.line)) for warning in shown]
    if len(warnings) > len(shown):
        headers.append(("X-Mockserver-Warning", f"and {len(warnings) - len(shown)} more"))
    notes = tuple(f"warning: {entry.pointer or 'body'}: {entry.message}" for entry in warnings)
    return Reply(status, headers, content, notes)


def _header_text(text: str) -> str:
    """A text as a header value: printable ASCII, anything else as an escape, cut where it is long."""
    plain = text.encode("ascii", "backslashreplace").decode()
    plain = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in plain)
    return plain if len(plain) <= _LONGEST_WARNING else plain[:_LONGEST_WARNING] + "..."


def _flags(operation: Operation, query: Sequence[tuple[str, str]]) -> dict[str, bool]:
    """The query's booleans; of a repeated one the last counts."""
    names = {parameter.name for parameter in operation.parameters if parameter.allowed == ("true", "false")}
    return {name: value == "true" for name, value in query if name in names}


def _unstorable(violations: list[Violation], body: Any) -> tuple[list[Violation], list[Violation]]:
    """Of the violations those that even `lenient` refuses (no object, no userId), and the others."""
    if not isinstance(body, dict) or not isinstance(body.get("userId"), str) or not body["userId"]:
        fatal = [entry for entry in violations if entry.pointer in ("", "/userId")]
        return fatal, [entry for entry in violations if entry not in fatal]
    return [], violations


def _example(operation: Operation) -> Callable[[str], bytes]:
    """A function from the asked id to the operation's example body without its results."""
    example = users.without_results(operation.example)

    def body(asked: str) -> bytes:
        return json_bytes({**example, operation.id_property: asked})

    return body


def unknown_path(path: str, contract: Contract) -> NotFound:
    """The 404 of a path that no operation has: it names the right or the nearest one."""
    operations = contract.operations
    trimmed = path.rstrip("/") or "/"
    for wrong, right in operations.wrong_paths.items():
        if trimmed == wrong or trimmed.startswith(wrong + "/"):
            return NotFound(f"No operation has the path {path[:200]!r}: it is {right}{trimmed[len(wrong) :][:200]}")
    known = [operation.path for operation in operations.built]
    known += [operation.path for operation in operations.unbuilt]
    near = nearest(trimmed, known)
    hint = f"Did you mean {near[0]}?" if near else "GET /openapi.json and `mockserver routes` list what there is."
    return NotFound(f"No operation has the path {path[:200]!r}", hint=hint)
