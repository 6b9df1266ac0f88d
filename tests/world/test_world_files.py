"""A world's file: what is taken, and how each kind of broken one is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockserver.errors import WorldError
from mockserver.world.content import initial_content
from tests.harness import NOW, contract

USER = json.dumps({"kind": "user", "type": "consumer", "body": {"userId": "ada-1", "createdTimestamp": NOW}})
OTHER = USER.replace("ada-1", "ada-2")
PRETTY = json.dumps(json.loads(USER), indent=2)
LATE = USER.replace(str(NOW), '"late"')
SHAPE = "it must be an object with kind, type and body, and nothing else"
KINDS = ", ".join(f"{each.writes} {each.type}" for each in contract().operations.built if each.writes)
LINES = "a line holds one whole object, or the file is one array of them"


def read(tmp_path: Path, content: str | bytes) -> int:
    """How many entries a file with this content gives."""
    path = tmp_path / "users.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return len(initial_content(contract(), str(path)))


@pytest.mark.parametrize(("content", "count"), [
    (f"{USER}\n{OTHER}\n", 2),
    (f"\ufeff{USER}\r\n\r\n  {OTHER}  ", 2),
    (f"[\n{PRETTY},\n\n{OTHER}\n]\n", 2),
    (f"\ufeff[{USER}]", 1),
    (PRETTY, 1),
    ("[ ]", 0),
    (USER.replace("ada-1", "a" * 2_000_000), 1),
])  # fmt: skip
def test_files_as_editors_and_tools_write_them_are_taken(tmp_path: Path, content: str, count: int) -> None:
    """JSON lines, an array over any lines, one object, Windows' line ends and a byte order mark are all read."""
    assert read(tmp_path, content) == count


WRONG: list[tuple[str, str | bytes, list[str]]] = [
    ("not UTF-8", USER.encode() + b'\n"\xe9"', ["line 2: the entry is not UTF-8 (byte 1: invalid continuation byte)"]),
    ("UTF-16", USER.encode("utf-16"), ["line 1: the entry is not UTF-8 (byte 0: invalid start byte)"]),
    ("an array not UTF-8", b'[\n\n"\xe9"]', ["line 3: the array is not UTF-8 (invalid continuation byte)"]),
    ("a key twice", f'{OTHER}\n{USER[:-1]}, "kind": "user"}}',
     ['line 2: the entry holds the key "kind" twice in one object']),
    ("a key twice in an array", f'[{OTHER},\n{USER[:-1]}, "kind": "user"}}]',
     ['entry 2 (line 2): the entry holds the key "kind" twice in one object']),
    ("a user twice", f"{USER}\n{OTHER}\n{USER}", ["line 3: its kind, type and id are those of line 1"]),
    ("wrong kind", USER.replace('"user"', '"usr"'),
     [f'line 1: kind and type must be one of: {KINDS} (sent kind "usr" and type "consumer")']),
    ("no wrapping", '{"userId": "u"}',
     [f'line 1: {SHAPE}; a user by itself goes into {{"kind": "user", "type": "consumer", "body": {{...}}}}']),
    ("a member too many", f'{USER[:-1]}, "note": 1}}', [f'line 1: {SHAPE}; not known: "note"']),
    ("a member too few", '{"kind": "user", "body": {}}', [f"line 1: {SHAPE}; missing: type"]),
    ("no object", "5", [f"line 1: {SHAPE}"]),
    ("empty", "", ["the file is empty; the setting world=empty is a world without users"]),
    ("blank", " \n\n", ["the file is empty; the setting world=empty is a world without users"]),
    ("commas", f"{USER},\n{OTHER}", ["line 1: the entry ends in a comma, and JSON lines have none between them"]),
    ("a comment", f"// users\n{USER}", [f"line 1: the entry is not JSON: Expecting value at column 1; {LINES}"]),
    ("an array left open", f"[\n{USER},\n{OTHER}\n", ["line 4: a comma or the closing ] is missing"]),
    ("an array without comma", f"[{USER}\n{OTHER}]", ["line 2: a comma or the closing ] is missing"]),
    ("more than an array", f"[{USER}]\n{OTHER}", ["line 2: something stands behind the array"]),
    ("too deep", USER.replace('"ada-1"', "[" * 300 + "]" * 300),
     ["line 1: the entry is nested deeper than 100 levels"]),
    ("many digits", f"[{USER.replace(str(NOW), '9' * 5000)}]",
     ["entry 1 (line 1): the entry is nested too deeply or holds an integer of more than 4300 digits"]),
    ("some lines", f"{LATE}\n{OTHER}\n{LATE}",
     [f'line {n}: /body/createdTimestamp: must be a number (sent "late")' for n in (1, 3)]),
    ("some entries", f"[\n{LATE},\n{PRETTY},\n{LATE}]",
     ['entry 1 (line 2): /body/createdTimestamp: must be a number (sent "late")',
      'entry 3 (line 11): /body/createdTimestamp: must be a number (sent "late")']),
]  # fmt: skip


@pytest.mark.parametrize(("content", "said"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_broken_file_is_refused_by_line_and_pointer(tmp_path: Path, content: str | bytes, said: list[str]) -> None:
    """Each wrong entry of a file is named by its line, with what is wrong there and what is right."""
    with pytest.raises(WorldError) as refused:
        read(tmp_path, content)
    assert str(refused.value).splitlines() == [f"{tmp_path / 'users.jsonl'}: {line}" for line in said]


def test_a_wholly_wrong_file_is_not_reported_without_end(tmp_path: Path) -> None:
    """After ten wrong entries the report stops and says so."""
    with pytest.raises(WorldError) as refused:
        read(tmp_path, "\n".join([LATE] * 1000))
    lines = str(refused.value).splitlines()
    assert len(lines) == 11
    assert lines[-1].endswith("10 entries are wrong; what follows them was not looked at")


@pytest.mark.parametrize("name", ["nowhere.jsonl", ".", "a\0b", "x" * 5000])
def test_a_file_that_cannot_be_opened_is_named(name: str) -> None:
    """A missing file, a folder and a name that is none are refused in one line that says what is allowed."""
    with pytest.raises(
        WorldError, match="it must be documented, empty, a file of JSON lines or its content"
    ) as refused:
        initial_content(contract(), name)
    assert len(str(refused.value)) < 400
