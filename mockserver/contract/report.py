"""The full report of a refused body, by jsonschema: every violation, where, what was sent, what is allowed.

Only refused requests come here: jsonschema is thorough and slow, and is imported at the first refusal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock
from typing import Any

from mockserver.contract.models import Schema
from mockserver.contract.names import nearest
from mockserver.contract.smells import did_you_mean, in_seconds, seconds_hint
from mockserver.contract.walk import escape
from mockserver.errors import LARGEST_REPORT, Violation

# A jsonschema.ValidationError. Its stubs say of nearly every attribute that it may be unset, which none is here.
Failure = Any

_LONGEST_SENT = 80  # characters of JSON
_LONGEST_LIST = 12  # values of an enum that are all named
_NAMES = {"string": "a string", "number": "a number", "integer": "a whole number", "boolean": "true or false",
          "object": "an object", "array": "a list", "null": "null"}  # fmt: skip


class Reporter:
    """The report of one compiled schema: an object of `$defs` and the parts that a body must satisfy in `allOf`."""

    def __init__(self, schema: Schema) -> None:
        from jsonschema import Draft202012Validator, FormatChecker
        from jsonschema.validators import extend

        keywords = Draft202012Validator.VALIDATORS
        validator = extend(  # type: ignore[no-untyped-call]  # of jsonschema
            Draft202012Validator,
            {
                "properties": _focused(self, keywords["properties"], _only_properties),
                "items": _focused(self, keywords["items"], _only_items),
            },
        )
        formats = FormatChecker(formats=["date"])
        self._parts = [
            validator({**part, "$defs": schema["$defs"]}, format_checker=formats) for part in schema["allOf"]
        ]
        self.focus: Focus = {}
        self._lock = Lock()  # the focus is of one report at a time

    def report(self, body: Any, suspects: Iterable[Suspect] = ()) -> tuple[list[Violation], bool]:
        """Every violation of the body, in its own order, at most 100, and whether there are more.

        `suspects` are the places that the fast validator refused; with them only those are looked into, since a
        body of megabytes would take seconds. Without them everything is.
        """
        with self._lock:
            self.focus = _focus(body, suspects)
            found = self._found(body)
        place = _places(body)
        ordered = sorted(found, key=lambda violation: place(violation.pointer))
        return ordered[:LARGEST_REPORT], len(found) > LARGEST_REPORT

    def _found(self, body: Any) -> list[Violation]:
        """What each part finds, unordered: of each one violation more than a report holds at the most."""
        found: dict[tuple[str, str], Violation] = {}
        for part in self._parts:
            room = len(found) + LARGEST_REPORT + 1
            for error in _leaves(part.iter_errors(body)):
                for violation in _violations(error):
                    found.setdefault((violation.pointer, violation.rule), violation)
                    if len(found) >= room:
                        break
                if len(found) >= room:
                    break
        return list(found.values())


# A container's identity to the names or indices in it that were refused.
Focus = dict[int, set[Any]]
# The path of a refused place, and whether what lies below it must be looked into as well.
Suspect = tuple[Sequence[Any], bool]


def _focus(body: Any, suspects: Iterable[Suspect]) -> Focus:
    """Which children of which containers were refused. A container that is not in it is looked into whole."""
    focus: Focus = {}
    whole: set[int] = set()
    for path, below in suspects:
        holder = body
        for step in path:
            focus.setdefault(id(holder), set()).add(step)
            holder = holder[step]
        if below:
            whole.add(id(holder))
        else:
            focus.setdefault(id(holder), set())
    return {key: steps for key, steps in focus.items() if key not in whole}


def _focused(reporter: Reporter, keyword: Any, only: Any) -> Any:
    """The keyword of jsonschema, over the refused children alone where they are known."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        steps = reporter.focus.get(id(instance))
        if steps is None:
            return keyword(validator, value, instance, schema)
        return only(validator, value, instance, steps)

    return check


def _only_properties(validator: Any, properties: Any, instance: Any, steps: set[Any]) -> Any:
    for name in instance if isinstance(instance, dict) else ():
        if name in steps and name in properties:
            yield from validator.descend(instance[name], properties[name], path=name, schema_path=name)


def _only_items(validator: Any, items: Any, instance: Any, steps: set[Any]) -> Any:
    for index in sorted(steps) if isinstance(instance, list) else ():
        yield from validator.descend(instance[index], items, path=index)


def shortened(value: Any) -> Any:
    """A sent value as it stands in a report: short ones whole, long ones as the start of their JSON."""
    if isinstance(value, dict | list) and len(value) > _LONGEST_SENT:
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)} entries"
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _LONGEST_SENT else text[:_LONGEST_SENT] + "…"


def enum_violation(
    place: str, pointer: str, sent: Any, choices: Sequence[Any], title: str = "the contract"
) -> Violation:
    """A value that is none of those allowed; of a long list only the nearest are named."""
    near = nearest(sent, [choice for choice in choices if isinstance(choice, str)], 3) if isinstance(sent, str) else []
    if len(choices) <= _LONGEST_LIST:
        listed = ", ".join(map(str, choices))
        message, allowed = f"must be one of {listed}", list(choices)
    else:
        message, allowed = f"must be one of the {len(choices)} values of {title}", near
    hint = f"did you mean {' or '.join(near)}?" if near else None
    return Violation(place, pointer, "enum", message, shortened(sent), True, allowed or None, hint)


def _leaves(errors: Iterable[Failure]) -> Iterator[Failure]:
    """The errors that a person can act on: of a choice, those of the member that was meant."""
    for error in errors:
        if error.validator not in ("anyOf", "oneOf"):
            yield error
            continue
        branches: dict[int, list[Failure]] = {}
        for part in error.context or ():
            branches.setdefault(int(part.relative_schema_path[0]), []).append(part)
        choices = error.validator_value
        if len(choices) == 2 and choices[1] == {"type": "null"}:
            yield from _leaves(branches[0])
        elif error.validator == "oneOf":
            # A union by `method`: the member whose constant was sent. Without one, the union's own
            # `required` and `enum` say what is wrong.
            meant = [part for part in branches.values() if not any(_of_discriminator(leaf) for leaf in part)]
            if len(meant) == 1:
                yield from _leaves(meant[0])
        else:
            yield from _nearest_member(error, branches)


def _of_discriminator(error: Failure) -> bool:
    """Whether a member of a union fails because its constant was not sent: it was not meant."""
    if error.validator != "required":
        return bool(error.validator == "const")
    properties = error.schema.get("properties", {})
    missing = (name for name in error.validator_value if name not in error.instance)
    return any("const" in properties.get(name, {}) for name in missing)


def _nearest_member(error: Failure, branches: dict[int, list[Failure]]) -> Iterator[Failure]:
    """Of a union without a discriminator: the member whose required names were sent, else the choice itself."""
    for part in branches.values():
        if not any(leaf.validator == "required" and not leaf.relative_path for leaf in part) and not any(
            leaf.validator == "type" and not leaf.relative_path for leaf in part
        ):
            yield from _leaves(part)
            return
    yield error


def _violations(error: Failure) -> Iterator[Violation]:
    path = list(error.absolute_path)
    pointer = "".join("/" + escape(str(part)) for part in path)
    rule, bound, sent = str(error.validator), error.validator_value, error.instance
    schema = error.schema if isinstance(error.schema, dict) else {}
    if rule == "required":
        declared = schema.get("properties", {})
        unknown = [name for name in sent if name not in declared]
        for name in bound:
            if name not in sent:
                near = nearest(name, unknown)
                hint = f"{near[0][:_LONGEST_SENT]} was sent; did you mean {name}?" if near else None
                yield Violation("body", f"{pointer}/{escape(name)}", rule, "is required", hint=hint)
    elif rule == "additionalProperties":
        declared = schema.get("properties", {})
        for name in sent:
            if name not in declared:
                hint = did_you_mean(name, list(declared)) or None
                yield Violation("body", f"{pointer}/{escape(name)}", rule, "is not a known property", hint=hint)
    elif rule == "type":
        names = [bound] if isinstance(bound, str) else list(bound)
        allowed = [name for name in names if name != "null" or len(names) == 1]
        message = "must be " + " or ".join(_NAMES[name] for name in allowed)
        yield Violation(
            "body",
            pointer,
            rule,
            message,
            shortened(sent),
            True,
            allowed[0] if len(allowed) == 1 else allowed,
        )
    elif rule == "enum":
        yield enum_violation("body", pointer, sent, bound, schema.get("title", "the contract"))
    elif rule == "anyOf":
        yield Violation("body", pointer, rule, _choice(bound, error), shortened(sent), True)
    else:
        message = _MESSAGES.get(rule, "does not keep the rule {rule} {bound}").format(bound=bound, rule=rule)
        hint = seconds_hint(sent) if rule == "minimum" and in_seconds(sent) else None
        yield Violation("body", pointer, rule, message, shortened(sent), True, bound, hint)


_MESSAGES = {
    "minimum": "must be at least {bound}",
    "maximum": "must be at most {bound}",
    "minLength": "must hold at least {bound} character",
    "minItems": "must hold at least {bound} entry",
    "pattern": "must match {bound}",
    "format": "must be a {bound}, as in 2024-01-31",
    "const": "must be {bound}",
}


def _choice(members: Sequence[Schema], error: Failure) -> str:
    """What a union without a discriminator takes: its members by name and required property."""
    if not isinstance(error.instance, dict):
        return "must be an object"
    names = [member.get("$ref", "").rsplit("/", 1)[-1] for member in members]
    needed: dict[int, list[str]] = {}
    for part in error.context or ():
        if part.validator == "required":
            needed.setdefault(int(part.relative_schema_path[0]), part.validator_value)
    parts = [f"a {name} (with {', '.join(needed.get(index, ()))})" for index, name in enumerate(names)]
    return "must be " + " or ".join(parts)


def _places(body: Any) -> Callable[[str], tuple[int, ...]]:
    """Where pointers stand in the body, for ordering; what is missing comes after what is there."""
    indexed: dict[int, dict[str, int]] = {}

    def place(pointer: str) -> tuple[int, ...]:
        found: list[int] = []
        value = body
        for part in pointer.split("/")[1:]:
            if isinstance(value, list):
                index = int(part)
                found.append(index)
                value = value[index]
            elif isinstance(value, dict):
                name = part.replace("~1", "/").replace("~0", "~")
                names = indexed.get(id(value))
                if names is None:
                    names = indexed[id(value)] = {known: index for index, known in enumerate(value)}
                found.append(names.get(name, len(names)))
                value = value.get(name)
        return tuple(found)

    return place
