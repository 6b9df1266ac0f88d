"""The refusals of the sandbox, as a tree, and the one body that each of them has.

    MockserverError
      ContractError           schemas/ or fixtures/ cannot be used: the server does not start
      WorldError              the content that a world shall start with cannot be used: neither
      Problem                 a refusal of the admin API
      ApiError                a request is answered with an error
        BadRequest            400
          UnknownReference    400, and the operation could go on without what is unknown
        Unauthorized          401
        NotFound              404
          UnknownUser         404, and the operation could go on without the user
        MethodNotAllowed      405
        Conflict              409
        TooLarge              413
        InternalError         500
        Forced                any status that the test author asked for

The body is the vendor's ApiErrorResponse: `message` and `validationErrors`, both strings, since every SDK fails
to parse another type (seen in the SDKs). `violations` and `hint` stand beside them (our choice).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

LARGEST_REPORT = 100  # violations; a report that stops here says so
BY_STATE = frozenset(("duplicate", "refused", "unknown"))  # rules that are none of the contract


class MockserverError(Exception):
    """Anything this package refuses."""


class ContractError(MockserverError):
    """A file under schemas/ or fixtures/ is missing, broken or not understood; the text names the file."""


class FlagrightContractWarning(UserWarning):
    """In a pytest run: what the client under test sent breaks the contract, or looks wrong."""


@dataclass(frozen=True)
class Violation:
    """One way in which a request breaks the contract.

    `message` holds no value of the request, so that it may be logged; `sent` and `hint` may.
    """

    place: str  # body | query | header
    pointer: str  # JSON pointer into the body, or /NAME of the parameter
    rule: str  # the JSON Schema keyword, or `json` for a body that could not be read
    message: str
    sent: Any = field(default=None)
    has_sent: bool = False
    allowed: Any = None
    hint: str | None = None

    @property
    def where(self) -> str:
        """The place as a person reads it: `/userDetails/name`, `body`, `query lockCraRiskLevel`."""
        if self.place == "body":
            return self.pointer or "body"
        return f"{self.place} {self.pointer[1:]}"

    @property
    def line(self) -> str:
        """The violation in one line, with what was sent: for the client, not for logs."""
        text = f"{self.where}: {self.message}"
        if self.has_sent:
            text += f" (sent {json.dumps(self.sent, ensure_ascii=False)})"
        return f"{text}; {self.hint}" if self.hint else text

    def body(self) -> dict[str, Any]:
        """The violation as an entry of `violations`."""
        entry: dict[str, Any] = {
            "in": self.place,
            "pointer": self.pointer,
            "rule": self.rule,
            "message": self.message,
        }
        if self.has_sent:
            entry["sent"] = self.sent
        if self.allowed is not None:
            entry["allowed"] = self.allowed
        if self.hint:
            entry["hint"] = self.hint
        return entry


def by_state(violations: Sequence[Violation]) -> bool:
    """Whether what the world holds is all that refuses a request: then the client has made no mistake."""
    return bool(violations) and all(entry.rule in BY_STATE for entry in violations)


class WorldError(MockserverError):
    """The setting `world` names content that cannot be used; the text names file, line and pointer."""


# What stands behind a report that may leave violations out: no violation itself.
STOPPED = Violation("body", "", "stopped", f"the report stops at {LARGEST_REPORT} violations")
SKIMMED = Violation("body", "", "stopped", "long lists were looked through only until something was found")


class ApiError(MockserverError):
    """A request that is answered with an error status and the vendor's error body."""

    status: int = 500

    def __init__(
        self,
        message: str,
        *,
        violations: Sequence[Violation] = (),
        hint: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.violations = tuple(violations)
        self.hint = hint
        self.headers = tuple(headers)

    def body(self) -> dict[str, Any]:
        """The answer's body: `message` (string), and where there is something to say `validationErrors`
        (string, a line a violation), `violations` and `hint`.
        """
        body: dict[str, Any] = {"message": self.message}
        if self.violations:
            body["validationErrors"] = "\n".join(violation.line for violation in self.violations)
            body["violations"] = [violation.body() for violation in self.violations]
        if self.hint:
            body["hint"] = self.hint
        return body


class BadRequest(ApiError):
    """400: the request breaks the contract."""

    status = 400

    @classmethod
    def of(cls, violations: Sequence[Violation]) -> Self:
        """A 400 whose message says the first violation and how many more there are."""
        found = [violation for violation in violations if violation.rule != STOPPED.rule]
        ends = [violation for violation in violations if violation.rule == STOPPED.rule]
        if len(found) > LARGEST_REPORT:
            ends = [STOPPED]
        shown = found[:LARGEST_REPORT]
        message = shown[0].line if shown else "The request breaks the contract"
        if len(shown) > 1:
            message += f" (and {len(shown) - 1} more: see validationErrors)"
        message += "".join(f" ({end.message})" for end in ends)
        return cls(message, violations=shown)


class Unauthorized(ApiError):
    """401: no key, a blank one, or one that the setting api-keys does not list."""

    status = 401


class NotFound(ApiError):
    """404: no such route, or nothing stored under this id."""

    status = 404


class UnknownUser(NotFound):
    """404 of an event: there is no such user of this type."""


class UnknownReference(BadRequest):
    """400: a transaction names a user, or an event a transaction, that is not stored."""


class MethodNotAllowed(ApiError):
    """405: the path exists, the method does not."""

    status = 405


class Conflict(ApiError):
    """409: an eventId with another body, or a newUserId that is taken."""

    status = 409


class TooLarge(ApiError):
    """413: the body is larger than the setting max-body-bytes."""

    status = 413


class InternalError(ApiError):
    """500: a defect of ours."""

    status = 500


class Forced(ApiError):
    """A status of 400 to 599 that the test author asked for, by a fault or by `Prefer: code=`."""

    def __init__(
        self, status: int, message: str, *, headers: Sequence[tuple[str, str]] = (), applied: str = ""
    ) -> None:
        own = list(headers)
        if status in (429, 503) and not any(name == "Retry-After" for name, _ in own):
            own.append(("Retry-After", "1"))
        if applied:
            own.append(("Preference-Applied", applied))
        super().__init__(message, headers=own)
        self.status = status


class Problem(MockserverError):
    """A refusal of the admin API: `application/problem+json` (RFC 9457), with a status of 400 to 499."""

    def __init__(self, status: int, detail: str, violations: Sequence[Violation] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.violations = tuple(violations)

    def body(self, title: str) -> dict[str, Any]:
        """The problem's body; `title` is the status in words."""
        body: dict[str, Any] = {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}
        if self.violations:
            body["violations"] = [violation.body() for violation in self.violations]
        return body
