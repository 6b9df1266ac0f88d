"""Personas: who gets an outcome by what it is, by magic values or by a user's own file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import MockserverError
from mockserver.world.outcomes import Outcomes
from tests.controls.desk import KINDS, Admin, apply, create, event, fresh, outcome_of, user
from tests.harness import Answer, Api, contract, made

PERSONAS = [(e.then, e.magic) for e in Outcomes(contract()).personas.values() if e.over == "user"]


@pytest.fixture
def sandbox() -> Api:
    """An empty sandbox whose setting is an outcome that no persona has."""
    return fresh(outcome="example")


def chosen(api: Api, answer: Answer) -> tuple[str, str]:
    """The outcome that the journal names, which the answer must carry, and what chose it."""
    admin = Admin(api)
    told = admin.last()
    if told["outcome"] != "example":
        assert outcome_of(answer, admin) == told["outcome"]
    return told["outcome"], told["chosenBy"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("then", "magic"), PERSONAS)
def test_magic_values_choose_the_outcome(sandbox: Api, kind: str, then: str, magic: dict[str, str]) -> None:
    """The name (last or legal) and the id prefix each give their outcome; what only looks like them does not."""
    name, prefix = magic["lastName" if kind == "consumer" else "legalName"], magic["userId"]
    for body in (user(kind, name=name), user(kind, f"{prefix}1"), user(kind, prefix)):
        answer = create(sandbox, kind, body)
        assert chosen(sandbox, answer) == (then, f"persona persona_{then}")
    other = "business" if kind == "consumer" else "consumer"
    likes = [user(kind, name=name.lower()), user(kind, name=f"{name}s"), user(kind, f"x{prefix}1"), user(other)]
    for body in likes:
        answer = create(sandbox, kind if body is not likes[-1] else other, body)
        assert chosen(sandbox, answer) == ("example", "setting")


def test_every_outcome_but_example_has_a_persona(sandbox: Api) -> None:
    """Each named outcome can be had by magic values, which GET /__admin/outcomes lists."""
    listed = Admin(sandbox).ask("GET", "outcomes")
    names = {entry["name"] for entry in listed["outcomes"]} - {"example"}
    assert {entry["then"] for entry in listed["personas"]} == names
    parties = {"originUserId", "destinationUserId"}
    magic = {"user": {"lastName", "legalName", "userId"}, "transaction": {"transactionId", *parties}}
    for over, names_of_magic in magic.items():
        personas = [entry for entry in listed["personas"] if entry["over"] == over]
        assert {entry["then"] for entry in personas} == names
        assert all(set(entry["magic"]) <= names_of_magic for entry in personas)


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_that_makes_the_user_match_counts(sandbox: Api, kind: str) -> None:
    """The persona looks at the user as it will be stored: a name or an id that an event gives it, and takes away."""
    attributes = {k: v for k, v in user(kind, name="Blocked").items() if k not in ("userId", "createdTimestamp")}
    plain = {k: v for k, v in user(kind).items() if k in attributes}
    create(sandbox, kind)
    steps: list[tuple[dict[str, Any], str, str]] = [
        (event(kind), "", "example"),
        (event(kind, attributes=attributes), "", "blocked"),
        (event(kind), "", "blocked"),
        (event(kind, attributes=plain), "", "example"),
        (event(kind, newUserId="mock_flagged_9"), "?changeUserId=true", "flagged"),
        (event(kind, "mock_flagged_9"), "", "flagged"),
        (event(kind, "mock_flagged_9", newUserId="v"), "?changeUserId=true", "example"),
    ]
    for body, query, wanted in steps:
        answer = apply(sandbox, kind, body, query=query)
        assert (answer.status, chosen(sandbox, answer)[0]) == (201, wanted)


OWN: dict[str, Any] = {
    "ours": {
        "description": "One rule of our own.",
        "results": {
            "executedRules": [
                {
                    "ruleInstanceId": "i", "ruleName": "n", "ruleDescription": "d",
                    "ruleAction": "FLAG", "ruleHit": True,
                },
            ],
            "hitRules": [{"ruleInstanceId": "i", "ruleName": "n", "ruleDescription": "d", "ruleAction": "FLAG"}],
            "riskScoreDetails": {"craRiskLevel": "MEDIUM", "craRiskScore": 51},
        },
    },
    "plumbers": {"when": {"required": ["occupation"], "properties": {"occupation": {"const": "plumber"}}},
                 "then": "ours"},
}  # fmt: skip


@pytest.mark.parametrize("by", ["file", "content"])
def test_a_users_own_outcomes_and_personas(tmp_path: Path, by: str) -> None:
    """Outcomes of an own file, or of its content, serve as the bundled ones do, in each of the four ways."""
    path = tmp_path / "own.json"
    path.write_text(json.dumps(OWN))
    api = made(world="empty", outcome="ours", outcomes=str(path) if by == "file" else json.dumps(OWN))
    admin = Admin(api)
    plumber = user("consumer", occupation="plumber")
    assert chosen(api, create(api, "consumer")) == ("ours", "setting")
    admin.ask("PATCH", "settings", {"outcome": "clean"})
    assert chosen(api, create(api, "consumer")) == ("clean", "setting")
    assert chosen(api, create(api, "consumer", plumber)) == ("ours", "persona plumbers")
    assert chosen(api, create(api, "consumer", prefer="outcome=ours")) == ("ours", "prefer")
    admin.arm("ours")
    assert chosen(api, create(api, "consumer")) == ("ours", "armed outcome-1")
    assert "ours" in [entry["name"] for entry in admin.ask("GET", "outcomes")["outcomes"]]


def test_own_entries_go_before_the_bundled_ones() -> None:
    """An own outcome of a bundled name replaces it, and an own persona is looked at before the bundled ones."""
    own = {"blocked": OWN["ours"], "everyone": {"when": {}, "then": "blocked"}}
    api = made(world="empty", outcomes=json.dumps(own))
    answer = create(api, "consumer", user("consumer", "mock_flagged_1"))
    assert chosen(api, answer) == ("blocked", "persona everyone")
    assert answer.body["hitRules"] == OWN["ours"]["results"]["hitRules"]


def test_a_persona_may_refer_to_its_own_definitions() -> None:
    """`when` is a JSON Schema of its own: a reference into its own `$defs` is followed, beside other personas."""
    when = {"$ref": "#/$defs/worker", "$defs": {"worker": {"required": ["occupation"]}}}
    api = made(world="empty", outcomes=json.dumps({"workers": {"when": when, "then": "blocked"}}))
    answer = create(api, "consumer", user("consumer", occupation="smith"))
    assert chosen(api, answer) == ("blocked", "persona workers")
    assert chosen(api, create(api, "consumer"))[0] == "example"


def outcome(**results: Any) -> str:
    """A file with one outcome."""
    return json.dumps({"mine": {"results": results}})


WRONG: list[tuple[str, str]] = [
    ("{", "not valid JSON|not JSON|Expecting|JSON"),
    ('{"mine": {"results": {}}, "mine": {"results": {}}}', "mine"),
    ('{"mine": 5}', "/mine"),
    ('{"mine": {}}', "/mine"),
    ('{"mine": {"resluts": {}}}', "/mine/resluts.*results"),
    ('{"mine": {"results": "exampel"}}', "/mine/results"),
    ('{"mine": {"results": {"rules": []}}}', "/mine/results"),
    (outcome(hitRules=[{"ruleName": "n"}]), "/mine/results/hitRules/0"),
    (outcome(riskScoreDetails={"craRiskLevel": "LOWEST"}), "/mine/results/riskScoreDetails"),
    (outcome(riskScoreDetails=None), "/mine/results/riskScoreDetails"),
    (outcome(hitRules=None), "/mine/results/hitRules"),
    (outcome(riskScoreDetails={"craRiskLevel": None}), "/mine/results/riskScoreDetails"),
    ('{"mine": {"when": {"type": "strng"}, "then": "clean"}}', "/mine/when"),
    ('{"mine": {"when": 5, "then": "clean"}}', "/mine/when"),
    ('{"mine": {"when": {"$ref": "nowhere.json"}, "then": "clean"}}', "/mine/when"),
    ('{"mine": {"when": {}, "then": "claen"}}', "/mine/then.*clean"),
    ('{"mine": {"when": {}}}', "/mine"),
    ('{"mine": {"when": {}, "then": "clean", "magic": 5}}', "/mine/magic"),
    ('{"mine": {"when": {}, "then": "clean", "results": {}}}', "/mine"),
]


@pytest.mark.parametrize(("content", "says"), WRONG)
@pytest.mark.parametrize("by", ["file", "content"])
def test_a_wrong_file_stops_the_start(tmp_path: Path, by: str, content: str, says: str) -> None:
    """A wrong file of outcomes is refused at once, named by file and by the pointer of what is wrong."""
    path = tmp_path / "own.json"
    path.write_text(content)
    with pytest.raises(MockserverError, match=f"(?s){says}") as caught:
        made(outcomes=str(path) if by == "file" else content)
    assert (str(path) if by == "file" else "outcomes") in str(caught.value)


def test_a_file_that_is_not_there_or_no_object_is_named(tmp_path: Path) -> None:
    """A missing file, a folder and a file that holds a list are refused with their name."""
    (tmp_path / "list.json").write_text("[]")
    for path in (tmp_path / "none.json", tmp_path, tmp_path / "list.json"):
        with pytest.raises(MockserverError, match=str(path)):
            made(outcomes=str(path))
