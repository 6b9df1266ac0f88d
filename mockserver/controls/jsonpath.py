"""JSONPath, as much of it as WireMock's users write.

JSONPath is a subset of Jayway's, WireMock's own: `$`, `.a`, `['a']`, `[0]`, `[-1]`, `[*]`, `.*`, `..a`, `..*` and
`[?(@.a == 'b')]` with ==, != or nothing (it exists), against a string, number, true, false or null. A filter looks
at each element of an array, and at an object itself. A path that leads to one place matches where that is not null,
another where it finds anything. A matcher is given what is found as text, each element of an array by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.contract.parse import json_equal

LONGEST = 1000  # characters of a regular expression or JSONPath
_SUBSET = "$.a, $['a'], [0], [*], .*, ..a and [?(@.a == 'b')] with ==, != or existence"

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_WAY = rf"(?:\.[\w-]+|\[\s*(?:{_QUOTED}|-?\d+)\s*\])*"
_LITERAL = rf"{_QUOTED}|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null"
_FILTER = rf"\?\(\s*@(?P<way>{_WAY})\s*(?:(?P<sign>==|!=)\s*(?P<literal>{_LITERAL})\s*)?\)"
_STEP = re.compile(
    rf"(?P<dots>\.\.?)(?P<name>\*|[\w-]+)"
    rf"|\[\s*(?:(?P<quoted>{_QUOTED})|(?P<index>-?\d+)|(?P<every>\*)|{_FILTER})\s*\]"
)


Step = Callable[[Any], Iterable[Any]]


@dataclass(frozen=True)
class JsonPath:
    """A compiled JSONPath; `definite` where it leads to one place at most."""

    steps: tuple[Step, ...]
    definite: bool

    @staticmethod
    def parse(text: str, root: str = "$") -> JsonPath:
        """The path of an expression of the subset above; raises ValueError that says where it is left."""
        if len(text) > LONGEST:
            raise ValueError(f"a JSONPath has at most {LONGEST} characters")
        at, steps, definite = 0, [], True
        if text.startswith(root):
            at = len(root)
            while found := _STEP.match(text, at):
                step, single = _step(found)
                steps.append(step)
                definite, at = definite and single, found.end()
        if not at or at < len(text):
            raise ValueError(f"JSONPath {text!r} is not understood from {text[at:]!r} on; known are {_SUBSET}")
        return JsonPath(tuple(steps), definite)

    def find(self, document: Any) -> list[Any]:
        """What the path leads to, in the document's order."""
        nodes = [document]
        for step in self.steps:
            nodes = [found for node in nodes for found in step(node)]
        return nodes

    def matches(self, document: Any) -> bool:
        """Whether it leads anywhere; one that leads to one place: to something other than null."""
        found = self.find(document)
        return bool(found) and not (self.definite and found[0] is None)


def _step(found: re.Match[str]) -> tuple[Step, bool]:
    """One step of a path, and whether it leads to one place at most."""
    if found["dots"]:
        name = found["name"]
        if found["dots"] == "..":
            return _deep(name), False
        return (_every, False) if name == "*" else (_child(name), True)
    if found["quoted"]:
        return _child(_unquoted(found["quoted"])), True
    if found["index"]:
        return _element(int(found["index"])), True
    return (_every, False) if found["every"] else (_where(found), False)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def _every(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else ()


def _child(name: str) -> Step:
    return lambda node: [node[name]] if isinstance(node, dict) and name in node else ()


def _element(index: int) -> Step:
    return lambda node: [node[index]] if isinstance(node, list) and -len(node) <= index < len(node) else ()


def _deep(name: str) -> Step:
    step = _every if name == "*" else _child(name)

    def walk(node: Any) -> Iterator[Any]:
        waiting = [node]
        while waiting:
            node = waiting.pop()
            yield from step(node)
            waiting.extend(reversed(list(_every(node))))

    return walk


def _where(found: re.Match[str]) -> Step:
    way, sign, literal = JsonPath.parse(f"@{found['way']}", "@"), found["sign"], found["literal"]
    wanted = None if not sign else _unquoted(literal) if literal[0] in "'\"" else json.loads(literal)

    def holds(node: Any) -> bool:
        held = way.find(node)
        if not sign:
            return bool(held)
        return (bool(held) and json_equal(held[0], wanted)) == (sign == "==")

    return lambda node: [part for part in (node if isinstance(node, list) else [node]) if holds(part)]
