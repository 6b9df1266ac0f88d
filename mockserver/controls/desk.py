"""What the actions of the admin API work with, and what they are asked and answer: plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mockserver.clock import Clock
from mockserver.contract import Contract
from mockserver.contract.operations import Operation
from mockserver.controls.document import read_control
from mockserver.errors import Problem
from mockserver.world.outcomes import Outcomes
from mockserver.world.store import Store
from mockserver.world.tenancy import DEFAULT

if TYPE_CHECKING:
    from mockserver.world.variants import Variants


@dataclass(frozen=True)
class Desk:
    """The sandbox as the test author reaches it."""

    contract: Contract
    store: Store
    outcomes: Outcomes
    defaults: Mapping[str, Any]  # the settings a world may have of its own, by their names in JSON
    clock: Clock  # of worlds that have none of their own
    variants: Callable[[], Variants]
    version: str
    key_of: Callable[[str], str | None]  # a key that lives in a world
    content: Callable[[str], Mapping[str, bytes]]  # of a new world, by the setting `world`; `default` is the server's
    journal: bool  # whether requests are kept

    def resolve(self, name: str) -> str:
        """The id of an operation by any of its names; KeyError with the nearest one."""
        return self.contract.operations.find(name).id

    def operation(self, name: str | None) -> str | None:
        """The id of an operation by any of its names; Problem where there is none."""
        if name is None:
            return None
        try:
            return self.resolve(name)
        except KeyError as error:
            raise Problem(422, error.args[0]) from error

    def senders(self, kind: str) -> dict[str, Operation]:
        """The operations that write `user`, `transaction`, `event` or `batch`, by the type of the record."""
        return {entry.type: entry for entry in self.contract.operations.built if entry.writes == kind}

    def known_outcome(self, name: str, pointer: str = "/outcome") -> str:
        """The outcome's name; Problem with the nearest one where it is unknown."""
        if name not in self.outcomes.names:
            raise Problem(422, f"{pointer}: there is no outcome {name!r}; {self.outcomes.suggest(name)}")
        return name

    def setting(self, world: str, name: str) -> Any:
        """A setting of the world, by its name among the dials: its own, else the server's."""
        return read_control(self.store, world).settings.get(name, self.defaults[name])

    def now(self, world: str) -> int:
        """The world's time in epoch milliseconds."""
        clock = read_control(self.store, world).clock or self.clock
        return clock.now(self.store.recorded(world))


@dataclass(frozen=True)
class Ask:
    """One request to the admin API, its body read and checked."""

    desk: Desk
    path: Mapping[str, str]
    pairs: Sequence[tuple[str, str]]  # of the query
    body: Any = None
    raw: bytes = b""
    waited: float = 0.0  # seconds since the request came, where it is asked again
    memory: dict[str, Any] = field(default_factory=dict)  # of this one request, from asking to asking

    @property
    def world(self) -> str:
        """The world that is meant."""
        return next((value for name, value in self.pairs if name == "world"), DEFAULT)


@dataclass(frozen=True)
class Done:
    """What an action answers; `lines` instead of `body` is a text of JSON lines."""

    body: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    lines: bytes | None = None
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Wait:
    """An action that is to be asked again after the next entry of the world's journal, or when the time is over."""

    world: str
    seconds: float
