r"""What a text has to be: matchers such as equalTo, matches, equalToJson and matchesJsonPath.

Regular expressions match the whole text, `.` line breaks too. They run in the engine of jsonschema-rs: linear time,
and where one needs look-around or back references, a million steps, after which it does not match. So none of them
can hold up the server. An expression has at most 1000 characters. Java's own `\Q..\E` is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jsonschema_rs

from mockserver.contract.names import nearest
from mockserver.contract.parse import json_bytes, json_equal
from mockserver.controls.jsonpath import LONGEST, JsonPath
from mockserver.errors import MockserverError

Match = Callable[[Sequence[str]], bool]  # over every value there is: none where it is absent


class PatternError(MockserverError):
    """A pattern that is not understood; `pointer` leads to what in it, the text names the nearest known."""

    def __init__(self, pointer: str, problem: str) -> None:
        super().__init__(f"{pointer or 'pattern'}: {problem}")
        self.pointer = pointer


def check_name(key: str, known: Iterable[str], place: str) -> None:
    """Raises PatternError, naming the nearest, unless the key is a known one."""
    if key not in (names := sorted(known)):
        near = nearest(key, names)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
        raise PatternError(f"{place}/{key}", f"{key} is not implemented here; {hint}")


def a_text(value: Any, place: str) -> str:
    """The value, a string; else PatternError."""
    if not isinstance(value, str):
        raise PatternError(place, "this takes a string")
    return value


def a_flag(value: Any, place: str) -> bool:
    """The value, true or false; else PatternError."""
    if not isinstance(value, bool):
        raise PatternError(place, "this takes true or false")
    return value


_OPTIONS = {"equalTo": {"caseInsensitive"}, "equalToJson": {"ignoreArrayOrder", "ignoreExtraElements"}}
_MATCHERS = ("absent", "anything", "contains", "doesNotMatch", "equalTo", "equalToJson", "matches", "matchesJsonPath")


def matcher(spec: Any, place: str) -> Match:
    """The test that a matcher object such as {"equalTo": "x"} describes."""
    if not isinstance(spec, Mapping):
        raise PatternError(place, 'this takes a matcher, such as {"equalTo": "x"}')
    for key in spec:
        check_name(key, {*_MATCHERS, *set().union(*_OPTIONS.values())}, place)
    names = [key for key in spec if key in _MATCHERS]
    if len(names) != 1:
        raise PatternError(place, f"this takes exactly one of {', '.join(_MATCHERS)}")
    name, value, place = names[0], spec[names[0]], f"{place}/{names[0]}"
    flags = {key: a_flag(flag, f"{place}/{key}") for key, flag in spec.items() if key != name}
    for key in flags:
        check_name(key, _OPTIONS.get(name, ()), place)
    match name:
        case "absent":
            wanted = value if isinstance(value, bool) else True  # Java's client writes "(absent)"
            return lambda values: wanted != bool(values)
        case "anything":
            return lambda values: True  # noqa: ARG005 - any value will do
        case "matchesJsonPath":
            return _by_path(value, place)
        case "equalToJson":
            expected = _expected(value, place)
            any_order, extra = flags.get("ignoreArrayOrder", False), flags.get("ignoreExtraElements", False)
            return lambda values: any(
                json_like(expected, held, any_order=any_order, extra=extra) for held in _documents(values)
            )
        case _:
            test = _text_test(name, value, place, fold=flags.get("caseInsensitive", False))
            return lambda values: any(map(test, values))


def _by_path(value: Any, place: str) -> Match:
    """matchesJsonPath: as in WireMock, an array found is its elements, but whole for equalToJson."""
    spec = value if isinstance(value, Mapping) else {"expression": value}
    text = a_text(spec.get("expression"), f"{place}/expression" if spec is value else place)
    try:
        path = JsonPath.parse(text)
    except ValueError as error:
        raise PatternError(place, str(error)) from None
    if spec is not value:
        return lambda values: any(map(path.matches, _documents(values)))
    inner = {key: part for key, part in spec.items() if key != "expression"}
    match, whole = matcher(inner, place), "equalToJson" in inner

    def check(values: Sequence[str]) -> bool:
        for document in _documents(values):
            found = path.find(document)
            held: Any = found if not path.definite else found[0] if found else None
            parts = held if isinstance(held, list) and not whole else [] if held is None else [held]
            if match([part if isinstance(part, str) else json_bytes(part).decode() for part in parts]):
                return True
        return False

    return check


def _documents(values: Iterable[str]) -> Iterable[Any]:
    for text in values:
        try:
            yield json.loads(text)
        except ValueError:
            continue


def _expected(value: Any, place: str) -> Any:
    """The document of equalToJson, which may be written as text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise PatternError(place, f"this is not JSON: {error}") from None
    if "${json-unit." in json.dumps(value):
        raise PatternError(place, "placeholders ${json-unit...} are not implemented here; use matchesJsonPath")
    return value


def _text_test(name: str, value: Any, place: str, *, fold: bool) -> Callable[[str], bool]:
    wanted = a_text(value, place)
    if name == "equalTo":
        return lambda text: text == wanted or (fold and text.casefold() == wanted.casefold())
    if name == "contains":
        return lambda text: wanted in text
    test = regular(wanted, place)
    return test if name == "matches" else lambda text: not test(text)


def regular(value: Any, place: str) -> Callable[[str], bool]:
    """The test whether a regular expression matches a whole text; see the module's text for the engine."""
    pattern = _sound(a_text(value, place))
    if len(pattern) > LONGEST:
        raise PatternError(place, f"a regular expression has at most {LONGEST} characters")
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern})  # alone: `a)|(b` is none
        compiled = jsonschema_rs.Draft202012Validator({"pattern": f"^(?s:{pattern})$"})
    except (ValueError, jsonschema_rs.ValidationError):
        raise PatternError(place, f"{pattern[:80]!r} is not a regular expression that is understood here") from None
    return lambda text: compiled.is_valid(_sound(text))


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # halves of surrogate pairs are no text


def json_like(expected: Any, held: Any, *, any_order: bool, extra: bool) -> bool:
    """Whether JSON equals what is expected, arrays in any order, or with more in objects and at the end of arrays."""

    def like(left: Any, right: Any) -> bool:
        return json_like(left, right, any_order=any_order, extra=extra)

    if isinstance(expected, dict) and isinstance(held, dict):
        known = expected.keys() <= held.keys() if extra else expected.keys() == held.keys()
        return known and all(like(part, held[key]) for key, part in expected.items())
    if not isinstance(expected, list) or not isinstance(held, list):
        return json_equal(expected, held)
    if len(expected) > len(held) or (not extra and len(expected) < len(held)):
        return False
    if not any_order:
        return all(map(like, expected, held))
    taken: dict[int, int] = {}  # element held -> element expected

    def place(index: int, tried: set[int]) -> bool:
        """Find the expected element one of its own, moving others where they have a choice."""
        for number, part in enumerate(held):
            if number not in tried and like(expected[index], part):
                tried.add(number)
                if number not in taken or place(taken[number], tried):
                    taken[number] = index
                    return True
        return False

    return all(place(index, set()) for index in range(len(expected)))
