"""A refusal that a test expects: `with flagright_mock.expect_refusal("/createdTimestamp"): ...`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from mockserver.client.journal import Request

__tracebackhide__ = True

Journal = Callable[[], Sequence[Request]]


class ExpectedRefusal:
    """Fails at the end of its block unless the contract refused a request meanwhile, at the place that is named.

    Afterwards `requests` are those refused ones, and `error` is what the client raised for it: an error that carries
    the status 400, as those of the SDK, of requests and of httpx do, ends the block and is taken for the expected
    one. Any other error goes on.
    """

    def __init__(self, journal: Journal, excuse: Callable[[str], None], pointer: str | None, rule: str | None) -> None:
        self._journal, self._excuse, self._rule = journal, excuse, rule
        self._pointer = pointer if pointer is None or pointer.startswith("/") or not pointer else f"/{pointer}"
        self._before = 0
        self.requests: list[Request] = []
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        self._before = max((request.number for request in self._journal()), default=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """True, which ends the error, where it is the client's word for the refusal."""
        if error is not None and not isinstance(error, Exception):
            return False
        came = [request for request in self._journal() if request.number > self._before]
        self.requests = [request for request in came if self._meant(request)]
        for request in self.requests:
            self._excuse(request.id)
        if error is not None and _status(error) != 400:
            return False
        if not self.requests:
            if error is not None and not any(request.violations for request in came):
                return False  # no refusal of the contract: a fault's 400, say
            # The client's own word for another refusal, with pages of the SDK's source, would hide the point.
            raise AssertionError(self._failure(came)) from None
        self.error = error
        return True

    def _meant(self, request: Request) -> bool:
        return any(
            (self._rule is None or finding.rule == self._rule)
            and (
                self._pointer is None
                or finding.pointer == self._pointer
                or finding.pointer.startswith(self._pointer + "/")
            )
            for finding in request.violations
        )

    def _failure(self, came: Sequence[Request]) -> str:
        wanted = " ".join(["expected a refusal", *([f"at {self._pointer}"] if self._pointer is not None else [])])
        wanted += f" by {self._rule}" if self._rule is not None else ""
        if not came:
            return f"{wanted}; no request came"
        lines = [f"{wanted}; what came instead:"]
        for request in came[-5:]:
            lines.append(f"  {request}")
            lines += [f"      refused: {finding}" for finding in request.violations]
        return "\n".join(lines)


def _status(error: Any) -> Any:
    """The HTTP status that a client's error carries."""
    return getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
