"""The store: everything that the worlds hold, as bytes under text keys, changed by atomic update.

A key is `kind/...`: `user/consumer/42`, `event/business/7`. Keys under `control/` are what the test author set;
a snapshot leaves them out, a reset takes them away. A behaviour names its keys first and is then given what they
hold; it answers with what to write. So a store may run it again when another process was faster.

The journal of a world is a capped list beside the keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mockserver.world.finished import Late

T = TypeVar("T")

Found = Mapping[str, bytes | None]
Writes = Mapping[str, bytes | None]  # None takes the key out
Change = Callable[[Found], tuple[Writes, T]]

CONTROL = "control/"


@dataclass(frozen=True)
class Journal:
    """What is kept of a world's requests: the newest entries, oldest first, and counts of all since the reset."""

    entries: Sequence[bytes]
    counts: Mapping[str, int]  # by tag
    total: int  # entries ever written since the reset; more than are kept when the ring dropped some


class Store(Protocol):
    """What a store must do. A world comes into being at its first use, with its initial content.

    What a store cannot do, since its file or its server is away, raises Unavailable and leaves it as it was.
    """

    blocks: bool  # whether it may wait for a disk or a network: its callers are then in a thread of their own

    def perform(self, work: Callable[[], T]) -> T:
        """Do the work of one request: what it writes is there as a whole when this returns, or not at all.

        `work` is called in this thread, and again where another process was faster.
        """

    def ping(self) -> None:
        """Raise Unavailable where the store cannot be used."""

    def release(self) -> None:
        """Let go of this thread's connection: called before processes are forked."""

    def get(self, world: str, key: str) -> bytes | None:
        """What the world holds under the key."""

    def update(self, world: str, keys: Sequence[str], change: Change[T]) -> T:
        """Read the keys, call `change` with what they hold, write what it answers: all or nothing.

        `change` is a pure function and may be called more than once; what it raises leaves the world as it was.
        """

    def scan(self, world: str, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Every key that begins with the prefix, in order, and what it holds, as of now."""

    def holders(self, key: str) -> Iterator[tuple[str, bytes]]:
        """Every world that holds the key, and what it holds."""

    def reset(self, world: str) -> None:
        """Bring a world back to its initial content: no controls, no journal; snapshots stay."""

    def worlds(self) -> Sequence[str]:
        """The names of the worlds there are."""

    def drop(self, world: str) -> bool:
        """Take a world away, with its snapshots; False where there is none."""

    def make(self, world: str, content: Mapping[str, bytes]) -> None:
        """Make a world anew with a content of its own, controls among it: what a reset brings it back to.

        Of one that is there nothing stays, snapshots included.
        """

    def finish(self, world: str, note: str) -> bool:
        """Take a world away for good, as `drop` does: nothing written to it afterwards is kept.

        `note` says whose it was. Notes are bounded, the oldest goes first; `make` takes the world's away.
        """

    def finished(self, world: str) -> str | None:
        """The note of a finished world, None for any other; asked at each request."""

    def late(self) -> Mapping[str, Late]:
        """The finished worlds for which requests were recorded afterwards, by name."""

    def snapshot(self, world: str, name: str) -> int:
        """Keep the world's content, controls left out, under a name; the number of keys in it."""

    def restore(self, world: str, name: str, source: str) -> bool:
        """Give the world the content of a snapshot of the world `source`; False where there is none."""

    def snapshots(self, world: str) -> Mapping[str, int]:
        """The world's snapshots and how many keys each holds."""

    def forget(self, world: str, name: str) -> bool:
        """Take a snapshot away; False where there is none."""

    def record(self, world: str, tag: str, entry: bytes | None) -> None:
        """Count a request under a tag and, unless `entry` is None, append it to the journal."""

    def recorded(self, world: str) -> int:
        """How many requests were counted since the world's reset; clearing the journal changes nothing here."""

    def journal(self, world: str) -> Journal:
        """The world's journal, as of now."""

    def clear_journal(self, world: str) -> None:
        """Empty the journal and its counts."""

    def watch(self, world: str, told: Callable[[], object]) -> Callable[[], None]:
        """Have `told` called, from any thread, after each entry of the journal; gives what ends that."""
