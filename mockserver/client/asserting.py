"""What a failed assertion on requests says: what was expected, and what came instead, nearest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from mockserver.client.journal import Request, differences

__tracebackhide__ = True

_SHOWN = 5  # requests
_OTHER_OPERATION = 3.0  # as far away as so many other differences


@dataclass(frozen=True)
class Wanted:
    """Which requests a test means; `operation` is an id, as the journal has it."""

    operation: str | None
    status: int | None
    where: Mapping[str, Any]

    def differences(self, request: Request) -> list[str]:
        """What a request has other than wanted, a line each; none where it is meant."""
        lines = []
        if self.operation is not None and request.operation != self.operation:
            lines.append(f"operation: expected {self.operation}, was {request.operation}")
        if self.status is not None and request.status != self.status:
            lines.append(f"status: expected {self.status}, was {request.status}")
        return lines + differences(request, self.where)

    def matching(self, requests: Sequence[Request]) -> list[Request]:
        """Those that are meant."""
        return [request for request in requests if not self.differences(request)]

    def __str__(self) -> str:
        parts = [self.operation or "any request"]
        if self.status is not None:
            parts.append(f"status {self.status}")
        parts += [f"{name}={value!r}" for name, value in self.where.items()]
        return ", ".join(parts)


def not_as_often(wanted: Wanted, times: int | None, requests: Sequence[Request], missing: str = "") -> str:
    """The message where too few or too many came; `times` None is at least once."""
    matched = wanted.matching(requests)
    often = "at least once" if times is None else _times(times)
    lines = [f"expected {often}: {wanted}", f"it came {_times(len(matched))}; {_came(requests)}"]
    if matched:
        lines += ["those that match:", *_listed(matched, wanted)]
    others = [request for request in requests if request not in matched]
    if others and (times is None or len(matched) < times):
        others.sort(key=lambda request: _distance(request, wanted))
        lines += ["what came instead, nearest first:", *_listed(others, wanted)]
    return "\n".join([*lines, *([missing] if missing else [])])


def requested_all_the_same(wanted: Wanted, matched: Sequence[Request]) -> str:
    """The message where something came that must not."""
    lines = [f"expected no request: {wanted}", f"it came {_times(len(matched))}:"]
    return "\n".join([*lines, *_listed(matched, wanted)])


def described(request: Request) -> list[str]:
    """A request in lines, without a value of its body: the request, and under it what was wrong with it."""
    lines = [str(request)]
    lines += [
        f"    refused: {finding.place}: {finding.raw.get('message', finding.rule)}" for finding in request.violations
    ]
    lines += [f"    warning: {finding.place}: {finding.rule}" for finding in request.warnings]
    return lines + [f"    fault: {fault}" for fault in request.fault]


def _times(count: int) -> str:
    return f"{count} time{'' if count == 1 else 's'}"


def _came(requests: Sequence[Request]) -> str:
    return f"{len(requests)} request{'' if len(requests) == 1 else 's'} came in all" if requests else "no request came"


def _listed(requests: Sequence[Request], wanted: Wanted) -> list[str]:
    lines = []
    for request in requests[:_SHOWN]:
        who = f" (userId {request.user_id!r})" if request.user_id is not None else ""
        lines.append(f"  {request}{who}")
        lines += [f"      {line}" for line in wanted.differences(request)]
        lines += [f"      refused: {finding}" for finding in request.violations[:3]]
    if len(requests) > _SHOWN:
        lines.append(f"  and {len(requests) - _SHOWN} more")
    return lines


def _distance(request: Request, wanted: Wanted) -> float:
    """How far a request is from what is wanted: differences count, and similar values are nearer than others."""
    far = 0.0
    for line in wanted.differences(request):
        _, _, said = line.partition(": expected ")
        expected, _, was = said.partition(", was ")
        far += 2 - SequenceMatcher(None, expected, was).ratio() if was else 2
        far += _OTHER_OPERATION if line.startswith("operation: ") else 0
    return far
