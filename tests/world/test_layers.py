"""What a world holds is the same whether snapshots were taken of it or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mockserver.world.layers import Content, Kept

KEYS = st.sampled_from("abcdef")
VALUES = st.none() | st.binary(max_size=2)
# A write, a snapshot, or the restoring of the n-th snapshot from the last.
STEPS = st.lists(st.tuples(KEYS, VALUES) | st.just("keep") | st.integers(0, 3), max_size=40)


@given(STEPS)
def test_content_in_layers_is_as_a_dict_that_is_copied(steps: list[tuple[str, bytes | None] | str | int]) -> None:
    """Every value, every snapshot and every count is what a plain copy of everything would give."""
    content, plain = Content({"a": b"1", "b": b"2"}), {"a": b"1", "b": b"2"}
    kept: list[tuple[Kept, dict[str, bytes]]] = []
    for step in steps:
        if isinstance(step, tuple):
            key, value = step
            content.put(key, value)
            plain.pop(key, None)
            plain |= {key: value} if value is not None else {}
        elif step == "keep":
            kept.append((content.keep(), dict(plain)))
        elif isinstance(step, int) and step < len(kept):
            snapshot, before = kept[-1 - step]
            content, plain = Content({}, snapshot), dict(before)
        assert dict(content.items()) == plain
        assert all(content.get(key) == plain.get(key) for key in "abcdef")
    for snapshot, before in kept:
        assert dict(Content({}, snapshot).items()) == before
        assert snapshot.count == len(before)


def test_few_layers_remain_however_many_snapshots_there_are() -> None:
    """A test that takes a snapshot after each write does not make reading dearer and dearer."""
    content = Content({})
    for number in range(1000):
        content.put(f"{number}", b"x")
        assert len(content.keep().layers) <= 11
