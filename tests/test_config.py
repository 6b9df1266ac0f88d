"""Settings: what a user may say by flag and by variable, and what is answered to a mistake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields

import pytest

from mockserver.config import SETTINGS, ConfigError, Setting, Settings, load

LIMIT = "is not a whole number from 1 to 2147483647"
PORT = "is not a whole number from 0 to 65535"

each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)


def problems(flags: dict[str, str | None], environ: dict[str, str]) -> list[str]:
    """Load settings that must be refused; give the lines of the refusal."""
    with pytest.raises(ConfigError) as refused:
        load(flags, environ)
    return str(refused.value).splitlines()


def test_defaults() -> None:
    """With no flag and no variable, the documented defaults hold and nothing is noted."""
    settings, notes = load({}, {})
    assert settings == Settings(
        host="127.0.0.1",
        port=4080,
        log_format="text",
        validation="pages",
        answers="stored",
        outcome="example",
        world="documented",
        on_duplicate="replace",
        tenancy="auto",
        api_keys=(),
        max_body_bytes=10 * 1024 * 1024,
        max_depth=100,
        max_worlds=1000,
    )
    assert settings == Settings()
    assert notes == []


def test_every_setting_has_its_attribute_in_the_same_order() -> None:
    """The declarations and the attributes of Settings are the same list."""
    assert [field.name for field in fields(Settings)] == [setting.attribute for setting in SETTINGS]


def test_names_come_from_the_declaration() -> None:
    """One name gives the flag, the variable and the attribute."""
    setting = next(setting for setting in SETTINGS if setting.name == "max-body-bytes")
    assert (setting.flag, setting.variable, setting.attribute) == (
        "--max-body-bytes",
        "MOCKSERVER_MAX_BODY_BYTES",
        "max_body_bytes",
    )


@each_setting
def test_the_documented_default_may_be_said_aloud(setting: Setting) -> None:
    """Writing a setting's default out, by flag or by variable, changes nothing."""
    assert load({setting.name: setting.default}, {}) == (Settings(), [])
    assert load({}, {setting.variable: setting.default}) == (Settings(), [])


@each_setting
def test_help_is_a_sentence(setting: Setting) -> None:
    """Every setting explains itself in a sentence and names its value."""
    assert setting.help[0].isupper()
    assert setting.help.endswith(".")
    assert setting.metavar


@each_setting
def test_an_empty_variable_is_unset(setting: Setting) -> None:
    """A variable that is set to nothing counts as not set."""
    assert load({}, {setting.variable: ""}) == (Settings(), [])


def test_settings_cannot_be_changed() -> None:
    """Settings are read once; nothing changes them while the server runs."""
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]  # the very assignment that must fail


@pytest.mark.parametrize(
    ("flags", "environ", "port"),
    [
        ({}, {"MOCKSERVER_PORT": "5000"}, 5000),
        ({"port": None}, {"MOCKSERVER_PORT": "5000"}, 5000),
        ({"port": "6000"}, {"MOCKSERVER_PORT": "5000"}, 6000),
        ({"port": "6000"}, {"MOCKSERVER_PORT": "eighty"}, 6000),
        ({"port": "6000"}, {}, 6000),
        ({}, {"MOCKSERVER_PORT": ""}, 4080),
        ({}, {"PORT": "5000", "mockserver_port": "5000", "XMOCKSERVER_PORT": "5000"}, 4080),
    ],
)
def test_flag_beats_variable_beats_default(flags: dict[str, str | None], environ: dict[str, str], port: int) -> None:
    """The nearest word wins: flag, then variable, then default."""
    settings, notes = load(flags, environ)
    assert settings.port == port
    assert notes == []


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("host", "0.0.0.0", "0.0.0.0"),
        ("host", "::1", "::1"),
        ("host", "localhost", "localhost"),
        ("port", "0", 0),
        ("port", "65535", 65535),
        ("log-format", "off", "off"),
        ("validation", "strict", "strict"),
        ("answers", "example", "example"),
        ("outcome", "clean", "clean"),
        ("world", "empty", "empty"),
        ("world", "users.jsonl", "users.jsonl"),
        ("world", '{"userId": "1"}\n', '{"userId": "1"}\n'),
        ("world", "[]", "[]"),
        ("on-duplicate", "reject", "reject"),
        ("tenancy", "per-key", "per-key"),
        ("api-keys", "one", ("one",)),
        ("api-keys", " one, two ,", ("one", "two")),
        ("max-body-bytes", "1", 1),
        ("max_body_bytes", "2147483647", 2147483647),
        ("max-depth", "0100", 100),
        ("max-worlds", "7", 7),
    ],
)
def test_values(name: str, text: str, value: object) -> None:
    """Each setting takes its values, as a flag and as a variable alike."""
    attribute = name.replace("-", "_")
    by_flag, _ = load({name: text}, {})
    by_variable, _ = load({}, {f"MOCKSERVER_{attribute.upper()}": text})
    assert getattr(by_flag, attribute) == value
    assert by_flag == by_variable


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("port", "eighty", f'"eighty" {PORT}'),
        ("port", "-1", f'"-1" {PORT}'),
        ("port", "+1", f'"+1" {PORT}'),
        ("port", "65536", f'"65536" {PORT}'),
        ("port", " 80", f'" 80" {PORT}'),
        ("port", "80\n", f'"80\\n" {PORT}'),
        ("port", "8_0", f'"8_0" {PORT}'),
        ("port", "80.0", f'"80.0" {PORT}'),
        ("port", "\uff18\uff10", f'"\\uff18\\uff10" {PORT}'),
        ("port", "9" * 5000, f'"{"9" * 57}..." {PORT}'),
        ("max-body-bytes", "0", f'"0" {LIMIT}'),
        ("max-body-bytes", "10 MiB", f'"10 MiB" {LIMIT}'),
        ("max-depth", "0", '"0" is not a whole number from 1 to 250'),
        ("max-worlds", "1e3", f'"1e3" {LIMIT}'),
        ("max-worlds", "2147483648", f'"2147483648" {LIMIT}'),
        ("log-format", "jsn", '"jsn" is not one of text, json, off; did you mean "json"?'),
        ("validation", "Strict", '"Strict" is not one of pages, strict, lenient; did you mean "strict"?'),
        ("validation", "zzz", '"zzz" is not one of pages, strict, lenient'),
        ("answers", "examples", '"examples" is not one of stored, example, generated; did you mean "example"?'),
        ("on-duplicate", "rejekt", '"rejekt" is not one of replace, merge, reject; did you mean "reject"?'),
        ("tenancy", "perkey", '"perkey" is not one of auto, shared, per-key; did you mean "per-key"?'),
        ("outcome", " ", '" " is blank'),
        ("world", "\n", '"\\n" is blank'),
        ("api-keys", " , ", '" , " holds no key; give keys separated by commas, or any'),
        *[
            ("host", text, f'"{text}" is not a host name or an IP address, without scheme and port')
            for text in ("http://localhost", "localhost:4080", "[::1]", "my host", "-a")
        ],
    ],
)
@pytest.mark.parametrize("by", ["flag", "variable"])
def test_refusals(name: str, text: str, problem: str, by: str) -> None:
    """A bad value is refused by one line: where it came from, what it was, what is allowed."""
    setting = next(setting for setting in SETTINGS if setting.name == name)
    if by == "flag":
        assert problems({name: text}, {}) == [f"{setting.flag}: {problem}"]
    else:
        assert problems({}, {setting.variable: text}) == [f"{setting.variable}: {problem}"]


@pytest.mark.parametrize("setting", [s for s in SETTINGS if not s.choices], ids=lambda setting: setting.name)
def test_an_empty_flag_is_refused(setting: Setting) -> None:
    """A flag given with nothing behind it is a mistake, not a default."""
    assert problems({setting.name: ""}, {})[0].startswith(f'{setting.flag}: "" ')


def test_every_problem_is_told_at_once() -> None:
    """A user sees all bad values in one run, in the order of the settings."""
    assert problems(
        {"validation": "strickt", "prot": "1"}, {"MOCKSERVER_PORT": "eighty", "MOCKSERVER_MAX_DEPTH": "0"}
    ) == [
        "--prot is not a setting; did you mean --port?",
        f'MOCKSERVER_PORT: "eighty" {PORT}',
        '--validation: "strickt" is not one of pages, strict, lenient; did you mean "strict"?',
        'MOCKSERVER_MAX_DEPTH: "0" is not a whole number from 1 to 250',
    ]


KUBERNETES = {
    "MOCKSERVER_PORT": "tcp://10.0.0.7:4080",
    "MOCKSERVER_PORT_4080_TCP": "tcp://10.0.0.7:4080",
    "MOCKSERVER_PORT_4080_TCP_ADDR": "10.0.0.7",
    "MOCKSERVER_PORT_4080_TCP_PORT": "4080",
    "MOCKSERVER_PORT_4080_TCP_PROTO": "tcp",
    "MOCKSERVER_SERVICE_HOST": "10.0.0.7",
    "MOCKSERVER_SERVICE_PORT": "4080",
    "MOCKSERVER_SERVICE_PORT_HTTP": "4080",
}


@pytest.mark.parametrize(
    ("environ", "notes"),
    [
        ({"MOCKSERVER_PROT": "1"}, ["MOCKSERVER_PROT is not a setting; did you mean MOCKSERVER_PORT?"]),
        (
            {"MOCKSERVER_APIKEY": "s3cret"},
            ["MOCKSERVER_APIKEY is not a setting; did you mean MOCKSERVER_API_KEYS?"],
        ),
        ({"MOCKSERVER_QQQ": "1"}, ["MOCKSERVER_QQQ is not a setting"]),
        ({"MOCKSERVER_": "1"}, ["MOCKSERVER_ is not a setting"]),
        ({"MOCKSERVER_Q\udcff": "1"}, ["MOCKSERVER_Q\\udcff is not a setting"]),
        ({"MOCKSERVER_PROT": ""}, []),
        (KUBERNETES, [f"ignored, as Kubernetes sets them for a Service: {', '.join(KUBERNETES)}"]),
    ],
)
def test_notes(environ: dict[str, str], notes: list[str]) -> None:
    """A variable that means nothing here is noted with the nearest one, and changes nothing."""
    assert load({}, environ) == (Settings(), notes)


def test_a_port_beside_the_variables_of_kubernetes_holds() -> None:
    """What Kubernetes injects does not stop a flag from setting the port."""
    settings, notes = load({"port": "5000"}, KUBERNETES)
    assert settings.port == 5000
    assert len(notes) == 1


@pytest.mark.parametrize("speak", [str, repr], ids=["str", "repr"])
def test_refusals_do_not_tell_keys(speak: Callable[[object], str]) -> None:
    """The refusal of another setting never shows the API keys."""
    with pytest.raises(ConfigError) as refused:
        load({"port": "x"}, {"MOCKSERVER_API_KEYS": "s3cret"})
    assert "s3cret" not in speak(refused.value)
