"""The content of a world, which can be kept as it is at no cost: what is written later lies above what was kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# By key; None where a key of a lower layer is gone. No garbage collection looks into a dict of texts and bytes.
Layer = dict[str, bytes | None]


@dataclass(frozen=True)
class Kept:
    """A content as it was; nobody changes it, and any number of contents may lie above it."""

    layers: tuple[Layer, ...]  # the newest first
    count: int  # of its keys


class Content:
    """Bytes by key. Reading costs one look more for each kept layer, of which there are few: see `keep`."""

    __slots__ = ("_above", "_below")

    def __init__(self, content: Mapping[str, bytes], kept: Kept | None = None) -> None:
        self._above: Layer = {**content}
        self._below: tuple[Layer, ...] = () if kept is None else kept.layers

    def get(self, key: str) -> bytes | None:
        """The value under the key, if any."""
        value = self._above.get(key)
        if value is not None or not self._below or key in self._above:
            return value
        for layer in self._below:
            if key in layer:
                return layer[key]
        return None

    def put(self, key: str, value: bytes | None) -> None:
        """Write a value; None takes the key away."""
        if value is not None or any(key in layer for layer in self._below):
            self._above[key] = value
        else:
            self._above.pop(key, None)

    def items(self) -> Iterable[tuple[str, bytes]]:
        """All there is, in the order in which it came."""
        whole: Layer = {}
        for layer in (*reversed(self._below), self._above):
            whole = _over(whole, layer)
        return ((key, value) for key, value in whole.items() if value is not None)

    def keep(self) -> Kept:
        """The content as it is now. A layer as large as half of the next is joined with it, so that few remain."""
        if self._above:
            layers = [self._above, *self._below]
            while len(layers) > 1 and 2 * len(layers[0]) >= len(layers[1]):
                layers[:2] = [_over(layers[1], layers[0], gone=len(layers) > 2)]
            self._above, self._below = {}, tuple(layers)
        return Kept(self._below, _count(self._below))


def _over(lower: Layer, upper: Layer, *, gone: bool = False) -> Layer:
    """Both layers as one; `gone` keeps the notes of what is taken away, which a layer below these still needs."""
    if not lower:
        return upper
    both = {**lower, **upper}
    if not gone:
        for key, value in upper.items():
            if value is None:
                del both[key]
    return both


def _count(layers: tuple[Layer, ...]) -> int:
    """The number of keys; the lowest layer, the largest by far, is not gone through."""
    if not layers:
        return 0
    *upper, lowest = layers
    seen: Layer = {}
    for layer in upper:
        seen = {**layer, **seen}
    return len(lowest) + sum((value is not None) - (key in lowest) for key, value in seen.items())
