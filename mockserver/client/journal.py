"""What the client under test really sent, as objects, and which of them a test means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__tracebackhide__ = True

_ABSENT = object()


@dataclass(frozen=True)
class Finding:
    """A violation or a warning: where (`pointer`, a JSON pointer into the body, or /NAME of a parameter), which
    `rule`, and the `message`; `raw` is all that the server says of it.
    """

    pointer: str
    rule: str
    message: str
    raw: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Where it is, as a person reads it: `/userDetails/name`, `body`, `query lockCraRiskLevel`."""
        where = self.raw.get("in", "body")
        return self.pointer or "body" if where == "body" else f"{where} {self.pointer[1:]}"

    def __str__(self) -> str:
        hint = f"; {self.raw['hint']}" if self.raw.get("hint") else ""
        # The message of a warning begins with its place already.
        said = self.message if self.message.startswith(self.place) else f"{self.place}: {self.message}"
        return said + hint


@dataclass(frozen=True)
class Request:
    """One request and its answer, as the journal keeps them."""

    operation: str  # its id, or `unmatched`
    method: str
    path: str  # as it was sent, without the query
    url: str  # path and query
    status: int
    json: Any  # the body, None where there was none or it was no JSON
    body: str  # the body as text
    answer: Any  # the answer's JSON
    headers: Mapping[str, str]  # names in lower case, secrets as ***
    violations: Sequence[Finding]
    warnings: Sequence[Finding]
    outcome: str | None
    user_id: str | None  # of the body or the path
    fault: Sequence[str]  # ids of the faults that acted
    at: datetime  # by the world's clock
    id: str
    number: int  # the first since the reset is 1
    whole: bool  # whether the journal keeps bodies in full

    def __str__(self) -> str:
        who = f" {self.operation}" if self.operation != "unmatched" else " no such operation"
        return f"{self.method} {self.path} -> {self.status}{who}"


def read_request(event: Mapping[str, Any]) -> Request:
    """The request of an entry of GET /__admin/requests."""
    logged, ours = event["request"], event["request"]["mockserver"]
    return Request(
        operation=ours["operation"],
        method=logged["method"],
        path=logged["url"].partition("?")[0],
        url=logged["url"],
        status=event["response"]["status"],
        json=_json(logged["body"]),
        body=logged["body"],
        answer=_json(event["response"]["body"]),
        headers=logged["headers"],
        violations=findings(ours.get("violations", ())),
        warnings=findings(ours.get("warnings", ())),
        outcome=ours.get("outcome"),
        user_id=ours.get("userId"),
        fault=tuple(ours.get("fault", ())),
        at=datetime.fromtimestamp(logged["loggedDate"] / 1000, UTC),
        id=event["id"],
        number=ours["number"],
        whole=ours.get("bodies", "full") == "full",
    )


def findings(raw: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Violations or warnings, as the server tells them."""
    return tuple(Finding(e.get("pointer", ""), e.get("rule", ""), e.get("message", ""), e) for e in raw)


def differences(request: Request, where: Mapping[str, Any]) -> list[str]:
    """What a request has other than asked, a line each; none where it is meant.

    Names of `where` lead into the request's body. `user_id` and `userId` are the same; a dot or two underscores lead
    deeper (`userDetails.name.firstName`, `userDetails__name__firstName`), a number into a list. Of a request without
    a body `user_id` is that of its path. A value is compared by `==`, so that `unittest.mock.ANY` is any value.
    """
    lines = []
    for name, expected in where.items():
        found, near = _value(request, name)
        if found is _ABSENT:
            lines.append(f"{name}: expected {_short(expected)}, is absent" + (f"; there is {near}" if near else ""))
        elif not expected == found:  # noqa: SIM201 - the expected one may have an == of its own
            lines.append(f"{name}: expected {_short(expected)}, was {_short(found)}")
    return lines


def wire_name(name: str) -> str:
    """The name as the API writes it: `user_id` is userId."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest) if first else name


def _value(request: Request, name: str) -> tuple[Any, str]:
    """What the name leads to, and where to nothing, the names that stand there instead."""
    if request.json is None and wire_name(name) == "userId" and request.user_id is not None:
        return request.user_id, ""
    value = request.json
    for part in name.replace("__", ".").split("."):
        if isinstance(value, dict):
            known = value
            value = known.get(part, known.get(wire_name(part), _ABSENT))
            if value is _ABSENT:
                return _ABSENT, _nearest(wire_name(part), known)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _ABSENT, ""
    return value, ""


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    return ", ".join(get_close_matches(name, list(known)[:1000], n=1)) if len(name) < 80 else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
