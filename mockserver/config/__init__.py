"""The settings: each declared once, read from flags and variables, checked before anything starts.

One entry of `SETTINGS` gives a setting its flag (`--max-depth`), its variable (`MOCKSERVER_MAX_DEPTH`), its
attribute (`Settings.max_depth`), its help and its place in the docs. To add one, add the entry here and the
attribute in `Settings`; nothing else lists them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from mockserver.config.casts import clock, host, instant, integer, keys, not_blank, whole_number
from mockserver.config.stores import MEMORY
from mockserver.config.stores import store as store_url

__all__ = ["ANSWERS", "PREFIX", "PROFILES", "SETTINGS", "ConfigError", "Setting", "Settings", "instant", "load"]

PREFIX = "MOCKSERVER_"

# The words that the contract and the engine know these settings by; each list stands here alone.
PROFILES = ("pages", "strict", "lenient")
ANSWERS = ("stored", "example", "generated")

# For a Service named "mockserver" Kubernetes sets these in every pod of the namespace. None is meant for us.
_KUBERNETES_NAME = re.compile(r"MOCKSERVER_(SERVICE|PORT)_\w+")
_KUBERNETES_PORT = re.compile(r"(tcp|udp|sctp)://")


class ConfigError(ValueError):
    """One or more settings cannot be used; `str()` holds every problem, one a line."""


@dataclass(frozen=True)
class Setting:
    """One setting as it is declared.

    `default` is written as a user would write it, so that help and docs can show it. `cast` turns text into
    the value, or raises `ValueError` with the end of a sentence that begins with the text. `choices`, where
    given, are the only values, compared by case.
    """

    name: str
    default: str
    cast: Callable[[str], Any]
    help: str
    metavar: str
    choices: tuple[str, ...] | None = None
    secret: bool = False

    @property
    def flag(self) -> str:
        """The flag on the command line, as in `--max-depth`."""
        return f"--{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable, as in `MOCKSERVER_MAX_DEPTH`."""
        return PREFIX + self.attribute.upper()

    @property
    def attribute(self) -> str:
        """The attribute of `Settings`, as in `max_depth`."""
        return self.name.replace("-", "_")

    def parse(self, text: str) -> Any:
        """Turn text into the value of this setting.

        Raises `ValueError` with the end of a sentence whose subject is the text: `is not one of ...`.
        """
        if self.choices is not None and text not in self.choices:
            near = _nearest(text.lower(), self.choices)
            hint = f'; did you mean "{near}"?' if near else ""
            raise ValueError(f"is not one of {', '.join(self.choices)}{hint}")
        return self.cast(text)


def _choice(name: str, choices: tuple[str, ...], explanation: str) -> Setting:
    """Declare a setting that takes one of a few words; the first is the default."""
    return Setting(name, choices[0], str, explanation, "|".join(choices), choices)


SETTINGS: tuple[Setting, ...] = (
    Setting("host", "127.0.0.1", host, "Address to listen on; 0.0.0.0 opens it to the network.", "HOST"),
    Setting("port", "4080", whole_number(0, 65535), "Port to listen on; 0 picks a free one.", "PORT"),
    _choice("log-format", ("text", "json", "off"), "How each request is logged."),
    _choice(
        "validation",
        PROFILES,
        "How much of a request is checked: what the pages state, every limit of the newest documentation, "
        "or only what cannot be stored.",
    ),
    _choice(
        "answers",
        ANSWERS,
        "Where an answer's body comes from: the user as stored, the documented body, or a seeded variant.",
    ),
    Setting(
        "outcome",
        "example",
        not_blank,
        "Which rule and risk results an answer carries: a name of fixtures/outcomes or of your own file.",
        "NAME",
    ),
    Setting(
        "outcomes",
        "none",
        not_blank,
        "A JSON file of your own outcomes and personas, or its content itself when it begins with {.",
        "FILE",
    ),
    Setting(
        "world",
        "documented",
        not_blank,
        "What each world starts with: documented, empty, a JSON-lines file, or its content itself "
        "when it begins with { or [.",
        "WORLD",
    ),
    Setting("seed", "0", integer, "What generated data, chances and delays are drawn from.", "NUMBER"),
    Setting(
        "clock",
        "real",
        clock,
        "Time: real, or an instant (2026-01-01T00:00:00Z or epoch milliseconds) from which it ticks 1 ms a request.",
        "INSTANT",
    ),
    _choice("on-duplicate", ("replace", "merge", "reject"), "What a second POST of the same user does."),
    _choice(
        "tenancy",
        ("auto", "shared", "per-key"),
        "Who shares a world: all keys but those named world-..., all keys, or nobody.",
    ),
    Setting("api-keys", "any", keys, "The only API keys accepted, separated by commas.", "KEYS"),
    Setting("max-body-bytes", "10485760", whole_number(1), "Largest body in bytes; above it 413.", "BYTES"),
    Setting("max-depth", "100", whole_number(1, 250), "Deepest nesting of a body; deeper is 400.", "LEVELS"),
    _choice("admin", ("on", "off"), "Whether /__admin is there."),
    Setting("admin-token", "none", not_blank, "The token that /__admin asks for: Authorization: Bearer ...", "TOKEN"),
    Setting("journal-size", "1000", whole_number(0), "Requests kept for each world; 0 keeps none.", "COUNT"),
    _choice("journal-bodies", ("full", "shape", "none"), "What of bodies is kept: all, names and types, or nothing."),
    Setting("journal-bytes", "16777216", whole_number(1), "Most bytes of all journals together.", "BYTES"),
    Setting("max-worlds", "1000", whole_number(1), "Most worlds; the least recently used goes.", "COUNT"),
    Setting(
        "store",
        MEMORY,
        store_url,
        "Where the worlds are kept: memory, sqlite:///FILE (outlives the process), or redis://HOST:PORT/N (shared).",
        "URL",
        secret=True,
    ),
    Setting("workers", "1", whole_number(1, 64), "Processes that serve; more than one need a shared store.", "COUNT"),
)

_DEFAULTS: Mapping[str, Any] = {setting.attribute: setting.parse(setting.default) for setting in SETTINGS}


@dataclass(frozen=True)
class Settings:
    """The settings of one server. `Settings()` holds the defaults, which stand in `SETTINGS` alone.

    Values given by hand are taken as they are; `load` is what checks. An empty `api_keys` accepts every key.
    """

    host: str = _DEFAULTS["host"]
    port: int = _DEFAULTS["port"]
    log_format: str = _DEFAULTS["log_format"]
    validation: str = _DEFAULTS["validation"]
    answers: str = _DEFAULTS["answers"]
    outcome: str = _DEFAULTS["outcome"]
    outcomes: str = _DEFAULTS["outcomes"]
    world: str = _DEFAULTS["world"]
    seed: int = _DEFAULTS["seed"]
    clock: int | None = _DEFAULTS["clock"]
    on_duplicate: str = _DEFAULTS["on_duplicate"]
    tenancy: str = _DEFAULTS["tenancy"]
    api_keys: tuple[str, ...] = _DEFAULTS["api_keys"]
    max_body_bytes: int = _DEFAULTS["max_body_bytes"]
    max_depth: int = _DEFAULTS["max_depth"]
    admin: str = _DEFAULTS["admin"]
    admin_token: str = _DEFAULTS["admin_token"]
    journal_size: int = _DEFAULTS["journal_size"]
    journal_bodies: str = _DEFAULTS["journal_bodies"]
    journal_bytes: int = _DEFAULTS["journal_bytes"]
    max_worlds: int = _DEFAULTS["max_worlds"]
    store: str = _DEFAULTS["store"]
    workers: int = _DEFAULTS["workers"]


def load(flags: Mapping[str, str | None], environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Make the settings of a run: a flag beats a variable, a variable beats the default.

    In: `flags` by setting name, with dashes or underscores, None where a flag was not given; `environ` as
    `os.environ`. An empty variable counts as unset, since CI systems cannot always leave one out; an empty
    flag is a value. Out: the settings, and notes to print, one line each: variables that mean nothing here.
    Raises `ConfigError` with every problem, one a line. Source of the rule: "Settings" in the README.
    """
    variables, notes = _own_variables(environ)
    given = {name.replace("_", "-"): text for name, text in flags.items() if text is not None}
    names = [setting.name for setting in SETTINGS]
    problems = [f"--{name} {_unknown(name, names, '--')}" for name in given if name not in names]
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        if setting.name in given:
            source, text = setting.flag, given[setting.name]
        elif setting.variable in variables:
            source, text = setting.variable, variables[setting.variable]
        else:
            continue
        try:
            values[setting.attribute] = setting.parse(text)
        except ValueError as problem:
            problems.append(f"{source}: {'the value' if setting.secret and text.strip() else _shown(text)} {problem}")
    settings = Settings(**values)
    if settings.workers > 1 and settings.store == MEMORY and not problems:
        problems.append(
            f"--workers: {settings.workers} processes cannot share the store memory; "
            "give one that they can: --store sqlite:///FILE or --store redis://HOST:6379/0"
        )
    if problems:
        raise ConfigError("\n".join(problems))
    return settings, notes


def _own_variables(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Pick the variables that are settings; note the unknown ones, and in one line those of Kubernetes."""
    known = {setting.variable for setting in SETTINGS}
    ours: dict[str, str] = {}
    injected: list[str] = []
    notes: list[str] = []
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or not text:
            continue
        if _KUBERNETES_NAME.fullmatch(variable) or (variable == f"{PREFIX}PORT" and _KUBERNETES_PORT.match(text)):
            injected.append(variable)
        elif variable in known:
            ours[variable] = text
        else:
            name = variable.removeprefix(PREFIX)
            near = _unknown(name, [other.removeprefix(PREFIX) for other in sorted(known)], PREFIX)
            # A name may hold bytes that are no text; such a line could not be printed everywhere.
            notes.append(f"{variable} {near}".encode("ascii", "backslashreplace").decode("ascii"))
    if injected:
        notes.append(f"ignored, as Kubernetes sets them for a Service: {', '.join(injected)}")
    return ours, notes


def _unknown(name: str, names: Iterable[str], prefix: str) -> str:
    """End the sentence about a name that is no setting, with the nearest one where one is near."""
    near = _nearest(name, names)
    return f"is not a setting; did you mean {prefix}{near}?" if near else "is not a setting"


def _nearest(text: str, words: Iterable[str]) -> str | None:
    """Give the word most like the text, or None where none is like it."""
    return next(iter(get_close_matches(text, list(words), n=1, cutoff=0.5)), None)


def _shown(text: str) -> str:
    """Quote a value for a message: 60 characters at most, in ASCII, so that a full-width digit shows."""
    return json.dumps(text if len(text) <= 60 else text[:57] + "...")
