"""What a test has armed, to be left in place or taken away: outcomes and faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from mockserver.client.admin import AdminClient, AdminError, FlagrightMockError

__tracebackhide__ = True


class Armed:
    """An outcome or a fault that is in force: as a context manager, until the end of its block."""

    def __init__(self, admin: AdminClient, world: str, kind: str, entry: Mapping[str, Any]) -> None:
        self._admin, self._world, self._kind = admin, world, kind
        self.id, self.entry = str(entry["id"]), dict(entry)

    def __repr__(self) -> str:
        return f"<{self._kind} {self.id}: {self.entry}>"

    def remove(self) -> None:
        """Take it away; one that a reset has taken away already is no error."""
        try:
            self._admin.call("DELETE", f"/{self._kind}/{self.id}", world=self._world)
        except AdminError as error:
            if error.status != 404:
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    @property
    def used(self) -> int:
        """How often it acted; 0 once it is gone. Of outcomes those are counted that are armed for some `times`."""
        if self._kind == "outcomes" and "times" not in self.entry:
            raise FlagrightMockError(
                "an outcome is counted where it is armed with times=; see requests(...) and outcome"
            )
        found = self._admin.call("GET", f"/{self._kind}", world=self._world)
        entries = found["armed" if self._kind == "outcomes" else "faults"]
        return next((int(e.get("fired", e.get("used", 0))) for e in entries if e["id"] == self.id), 0)


def effect_of(
    status: int | None,
    wire: str | None,
    delay_ms: float | None,
    delay: Mapping[str, Any] | None,
    rate_limit: int | None,
    window_ms: int,
) -> dict[str, Any]:
    """What a fault does, as the admin API takes it. Raises FlagrightMockError where it is said twice."""
    if delay_ms is not None and delay is not None:
        raise FlagrightMockError("delay_ms is a fixed delay, delay is one as the admin API takes it: give one")
    fixed = {"type": "fixed", "milliseconds": delay_ms} if delay_ms is not None else delay
    limit = {"requests": rate_limit, "windowMs": window_ms} if rate_limit is not None else None
    return given({"status": status, "wire": wire, "delay": fixed, "rateLimit": limit})


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were given."""
    return {name: value for name, value in values.items() if value is not None and value != {}}
