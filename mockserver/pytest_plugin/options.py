"""The plugin's ini options and the marker's arguments, each declared once: read, checked and documented from here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

MARKER = "flagright_mock"
URL_VARIABLE = "FLAGRIGHT_MOCK_URL"
TOKEN_VARIABLE = "FLAGRIGHT_MOCK_ADMIN_TOKEN"  # noqa: S105 - the variable's name
PLACEHOLDERS = ("url", "api_key", "world")
_INTEGER = re.compile(r"-?[0-9]{1,19}")


class Option(NamedTuple):  # a dataclass would cost each pytest run a millisecond more
    """One thing to choose: as the ini option `flagright_mock_NAME` and, where `marks`, as the marker's argument NAME.

    `choices`, where given, are its only values.
    """

    name: str
    default: str
    help: str
    choices: tuple[str, ...] = ()
    marks: bool = False

    @property
    def ini(self) -> str:
        """The name of the ini option."""
        return f"flagright_mock_{self.name}"


INI_OPTIONS: tuple[Option, ...] = (
    Option("outcome", "example", "Which rule and risk results answers carry.", marks=True),
    Option("validation", "pages", "How much of a request is checked.", ("pages", "strict", "lenient"), marks=True),
    Option("answers", "stored", "Where an answer's body comes from.", ("stored", "example", "generated"), marks=True),
    Option("seed", "0", "What made-up data and chances are drawn from: an integer.", marks=True),
    Option(
        "world",
        "empty",
        "What each test begins with: empty, documented, a file of JSON lines (relative to the root directory), or "
        "its content, beginning with { or [.",
        marks=True,
    ),
    Option(
        "fail_on",
        "unmatched",
        "Which mistakes of the client fail the test: requests that no operation takes; refusals as well; or none. "
        "The rest are warnings.",
        ("unmatched", "violations", "none"),
        marks=True,
    ),
    Option("env", "", "Environment variables for the app under test: NAME={url} NAME={api_key}; {world} is known too."),
    Option(
        "isolation",
        "key",
        "A key for each test, or one for each process whose world begins anew for each test.",
        ("key", "reset"),
    ),
    Option("port", "0", "Where the server in the process listens; 0 picks a free port."),
    Option("url", "", "A running server to use instead; --flagright-mock-url and FLAGRIGHT_MOCK_URL go first."),
)
ARGUMENTS = tuple(option for option in INI_OPTIONS if option.marks)


class Choices(NamedTuple):
    """What is chosen for a run, or for one test."""

    outcome: str = "example"
    validation: str = "pages"
    answers: str = "stored"
    seed: int = 0
    world: str = "empty"  # empty, documented, or content
    fail_on: str = "unmatched"
    env: tuple[tuple[str, str], ...] = ()  # names with what they are set to, placeholders in it
    isolation: str = "key"
    port: int = 0
    url: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """Those that are settings of a world, by their names in JSON."""
        return {name: getattr(self, name) for name in ("outcome", "validation", "answers", "seed")}


def add_options(parser: pytest.Parser) -> None:
    """Declare the ini options and the flag."""
    group = parser.getgroup("flagright_mock", "a sandbox of the Flagright user API")
    group.addoption(
        "--flagright-mock-url",
        metavar="URL",
        help=f"use this running server for flagright_mock (or {URL_VARIABLE}; its admin token: {TOKEN_VARIABLE})",
    )
    for option in INI_OPTIONS:
        parser.addini(option.ini, option.help, type="string", default="")


def read_ini(config: pytest.Config, environ: Mapping[str, str]) -> Choices:
    """What the ini file, the flag and the environment choose. Raises pytest.UsageError, which names the option."""
    values = {}
    for option in INI_OPTIONS:
        text = str(config.getini(option.ini)).strip()
        if text:
            values[option.name] = _cast(option, text, config.rootpath, f"ini option {option.ini}")
    url = getattr(config.known_args_namespace, "flagright_mock_url", None) or environ.get(URL_VARIABLE, "").strip()
    if url:
        values["url"] = url
    if values.get("url") and not re.match(r"https?://[^/]", values["url"]):
        where = f"--flagright-mock-url or {URL_VARIABLE}" if url else "ini option flagright_mock_url"
        shown = values["url"].rpartition("@")[2][:200]  # not what may stand before it, a password
        raise pytest.UsageError(f"{where}: {shown!r} is no URL, as in http://127.0.0.1:4080")
    return Choices(**values)


def read_marker(marks: Iterable[pytest.Mark], choices: Choices, root: Path, where: str) -> Choices:
    """The choices of one test: what its marks say, the nearest first, over those of the run. Raises UsageError."""
    values: dict[str, Any] = {}
    for mark in marks:
        if mark.args:
            raise pytest.UsageError(f"{where}: the marker {MARKER} takes arguments by name: {_listed(ARGUMENTS)}")
        for name, value in mark.kwargs.items():
            option = next((each for each in ARGUMENTS if each.name == name), None)
            if option is None:
                known = [each.name for each in ARGUMENTS]
                raise pytest.UsageError(
                    f"{where}: the marker {MARKER} has no argument {name!r}{_nearest(name, known)}; "
                    f"there are {_listed(ARGUMENTS)}"
                )
            if name not in values:
                text = str(value) if isinstance(value, str | Path | int) and not isinstance(value, bool) else ""
                if not text.strip():
                    raise pytest.UsageError(f"{where}: marker {MARKER}({name}=...): {value!r} is no value for it")
                values[name] = _cast(option, text, root, f"{where}: marker {MARKER}({name}=...)")
    return choices._replace(**values) if values else choices


def _cast(option: Option, text: str, root: Path, where: str) -> Any:
    """The value of an option from its text."""
    if option.choices and text not in option.choices:
        near = _nearest(text, option.choices)
        raise pytest.UsageError(f"{where}: {text!r} is not one of {', '.join(option.choices)}{near}")
    if option.name == "seed" and not (_INTEGER.fullmatch(text) and -(2**63) <= int(text) < 2**63):
        raise pytest.UsageError(f"{where}: {text[:80]!r} is not a whole number of 64 bits")
    if option.name == "port" and not (_INTEGER.fullmatch(text) and 0 <= int(text) <= 65535):
        raise pytest.UsageError(f"{where}: {text[:80]!r} is not a port from 0 to 65535")
    if option.name in ("seed", "port"):
        return int(text)
    if option.name == "env":
        return _variables(text, where)
    return _content(text, root, where) if option.name == "world" else text


def _content(text: str, root: Path, where: str) -> str:
    """What a world begins with: a file's content is read here, since the server may be elsewhere."""
    if text in ("empty", "documented") or text.lstrip()[:1] in ("{", "["):
        return text
    try:
        content = (root / text).read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise pytest.UsageError(
            f"{where}: {text[:200]!r}: {reason}; it must be empty, documented, or a file of JSON lines"
        ) from None
    if content.lstrip()[:1] not in ("{", "["):
        raise pytest.UsageError(f"{where}: {text[:200]!r} holds no JSON lines")
    return content


def _variables(text: str, where: str) -> tuple[tuple[str, str], ...]:
    """The variables of the option env: NAME=TEXT, by white space or lines, quoted as in a shell."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise pytest.UsageError(f"{where}: {error}") from None
    found = []
    for word in words:
        name, sign, template = word.partition("=")
        if not sign or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise pytest.UsageError(f"{where}: {word!r} is not of the form NAME={{url}}")
        for placeholder in re.findall(r"\{(\w*)\}", template):
            if placeholder not in PLACEHOLDERS:
                near = _nearest(placeholder, PLACEHOLDERS)
                known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                raise pytest.UsageError(f"{where}: {{{placeholder}}} is not one of {known}{near}")
        found.append((name, template))
    return tuple(found)


def _listed(options: Sequence[Option]) -> str:
    return ", ".join(option.name for option in options)


def _nearest(text: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(text[:80].lower(), known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""
