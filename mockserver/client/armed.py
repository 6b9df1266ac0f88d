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
